/* HTML that several pages are made of: templates (template.h) as macros, so that they join at compile time. */
#pragma once

#define DATUM(label, value) "<div><dt>{{t." label "}}</dt><dd>" value "</dd></div>\n"
#define PERSON                                                    \
	"{{?address}}" DATUM("label.address", "{{address}}") "{{/address}}" \
	"{{?brand}}" DATUM("label.sender", "{{brand}}") "{{/brand}}"

/* A form that posts to the page's own URL. */
#define FORM(inside)                                                         \
	"<form method=\"post\">\n"                                           \
	"<input type=\"hidden\" name=\"nonce\" value=\"{{nonce}}\">\n" inside \
	"</form>\n"
#define BUTTON(attributes, action, text) \
	"<button type=\"submit\" name=\"action\" value=\"" action "\"" attributes ">" text "</button>\n"
#define QUIET " class=\"quiet\""

#define TEXT(key) "<p>{{t." key "}}</p>\n"

/* Where somebody enters an address; the second field is for machines, which fill in everything. */
#define ADDRESS_FIELDS                                                                                     \
	"<p class=\"field\"><label for=\"address\">{{t.field.address}}</label>\n"                        \
	"<input type=\"email\" id=\"address\" name=\"address\" autocomplete=\"email\" maxlength=\"254\" required></p>\n" \
	"<p class=\"trap\" aria-hidden=\"true\"><label for=\"website\">{{t.field.trap}}</label>\n"      \
	"<input type=\"text\" id=\"website\" name=\"website\" autocomplete=\"off\" tabindex=\"-1\"></p>\n"
