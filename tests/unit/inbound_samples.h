/* Reports in the shapes that mail systems give them, written by hand; what must be understood of each. */
#pragma once

struct sample {
	const char *what;
	const char *message;
	const char *kind;
	const char *expected; /* "address action status class reason" for each recipient, a line each */
};

#define DSN_HEAD                                                                                                             \
	"From: MAILER-DAEMON@mx.example.com\nTo: b@sender.example\nSubject: Undelivered Mail Returned to Sender\n"           \
	"MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"b1\"\n\n"
#define DSN(notice, groups)                                                                                                  \
	DSN_HEAD "--b1\n\n" notice "\n--b1\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.com\n\n"   \
		 groups "\n--b1--\n"
#define TEXT(subject, body)                                                                                                  \
	"From: Mail Delivery System <MAILER-DAEMON@mx.example.com>\nTo: b@sender.example\nSubject: " subject "\n\n" body
#define ARF(type, fields)                                                                                                    \
	"From: fbl@provider.example\nTo: fbl@sender.example\nSubject: complaint\nMIME-Version: 1.0\n"                        \
	"Content-Type: multipart/report; report-type=feedback-report; boundary=b2\n\n--b2\n\nA complaint.\n--b2\n"           \
	"Content-Type: message/feedback-report\n\nFeedback-Type: " type "\nUser-Agent: p/1\nVersion: 1\n" fields               \
	"\n--b2\nContent-Type: message/rfc822\n\nFrom: news@sender.example\nTo: joe@example.net\nSubject: x\n\nx\n--b2--\n"

static const struct sample samples[] = {
    {"every group of a report counts",
	DSN("Sorry.", "Final-Recipient: rfc822; a@example.net\nAction: failed\nStatus: 5.1.1\n\n"
		      "Final-Recipient: rfc822; b@example.net\nAction: delayed\nStatus: 4.4.1\n\n"
		      "Final-Recipient: rfc822; c@example.net\nAction: delivered\nStatus: 2.0.0\n\n"
		      "Final-Recipient: rfc822; d@example.net\nAction: relayed\nStatus: 2.0.0\n\n"
		      "Final-Recipient: rfc822; e@example.net\nAction: expanded\nStatus: 2.0.0\n"),
	"bounce",
	"a@example.net failed 5.1.1 hard unknown-user\nb@example.net delayed 4.4.1 soft network\nc@example.net delivered 2.0.0 none delivered\n"
	"d@example.net relayed 2.0.0 none delivered\ne@example.net expanded 2.0.0 none delivered\n"},
    {"the original recipient is the one that was sent to",
	DSN("", "Original-Recipient: rfc822; alias@example.net\nFinal-Recipient: rfc822; box@inside.example\nAction: failed\nStatus: 5.1.1\n"), "bounce",
	"alias@example.net failed 5.1.1 hard unknown-user\n"},
    {"no such host", DSN("", "Final-Recipient: rfc822; a@nowhere.example\nAction: failed\nStatus: 5.1.2\n"), "bounce",
	"a@nowhere.example failed 5.1.2 hard unknown-host\n"},
    {"bad address", DSN("", "Final-Recipient: rfc822; a@example.net\nAction: failed\nStatus: 5.1.3\n"), "bounce", "a@example.net failed 5.1.3 hard bad-address\n"},
    {"moved", DSN("", "Final-Recipient: rfc822; a@example.net\nAction: failed\nStatus: 5.1.6\n"), "bounce", "a@example.net failed 5.1.6 hard moved\n"},
    {"null MX", DSN("", "Final-Recipient: rfc822; a@example.net\nAction: failed\nStatus: 5.1.10\n"), "bounce", "a@example.net failed 5.1.10 hard null-mx\n"},
    {"a full mailbox, whatever the status says",
	DSN("", "Final-Recipient: rfc822; a@example.net\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 Mailbox full\n"), "bounce",
	"a@example.net failed 5.1.1 soft full\n"},
    {"the sender's reputation",
	DSN("", "Final-Recipient: rfc822; a@example.net\nAction: failed\nStatus: 5.7.1\nDiagnostic-Code: smtp; 554 5.7.1 blocked using spamhaus\n"), "bounce",
	"a@example.net failed 5.7.1 policy reputation\n"},
    {"the sender's reputation under a status that would suppress",
	DSN("", "Final-Recipient: rfc822; a@example.net\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 message looks like spam\n"), "bounce",
	"a@example.net failed 5.1.1 policy spam\n"},
    {"authentication", DSN("", "Final-Recipient: rfc822; a@gmail.com\nAction: failed\nStatus: 5.7.26\nDiagnostic-Code: smtp; 550 5.7.26 unauthenticated email\n"),
	"bounce", "a@gmail.com failed 5.7.26 policy authentication\n"},
    {"what is temporary never suppresses",
	DSN("", "Final-Recipient: rfc822; a@example.net\nAction: failed\nStatus: 4.1.1\nDiagnostic-Code: smtp; 450 4.1.1 User unknown in local recipient table\n"),
	"bounce", "a@example.net failed 4.1.1 soft unknown-user\n"},
    {"delayed is not failed", DSN("", "Final-Recipient: rfc822; a@example.net\nAction: delayed\nStatus: 5.1.1\n"), "bounce", "a@example.net delayed 5.1.1 soft unknown-user\n"},
    {"unknown counts as soft", DSN("", "Final-Recipient: rfc822; a@example.net\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 nope\n"), "bounce",
	"a@example.net failed 5.0.0 soft unknown\n"},
    {"unknown user in the words, refused at RCPT",
	DSN("<a@example.net>: host mx.example.net said: 550 User unknown (in reply to RCPT TO command)",
	    "Final-Recipient: rfc822; a@example.net\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 User unknown\n"),
	"bounce", "a@example.net failed 5.0.0 hard unknown-user\n"},
    {"unknown user in the words, refused after DATA: a filter",
	DSN("<a@example.net>: host mx.example.net said: 550 User unknown (in reply to end of DATA command)",
	    "Final-Recipient: rfc822; a@example.net\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 User unknown\n"),
	"bounce", "a@example.net failed 5.0.0 soft unknown-user\n"},
    {"discontinued at Yahoo, which says so after DATA only",
	DSN("<a@yahoo.com>: host mta5.am0.yahoodns.net said: 554 delivery error: dd This account has been disabled or discontinued [#101] (in reply to end of DATA "
	    "command)",
	    "Final-Recipient: rfc822; a@yahoo.com\nAction: failed\nStatus: 5.0.0\nRemote-MTA: dns; mta5.am0.yahoodns.net\n"
	    "Diagnostic-Code: smtp; 554 delivery error: dd This account has been disabled or discontinued [#101]\n"),
	"bounce", "a@yahoo.com failed 5.0.0 hard disabled\n"},
    {"the same words with a temporary status",
	DSN("", "Final-Recipient: rfc822; a@yahoo.com\nAction: failed\nStatus: 4.2.1\nRemote-MTA: dns; mta5.am0.yahoodns.net\n"
		"Diagnostic-Code: smtp; 450 4.2.1 This account has been disabled or discontinued\n"),
	"bounce", "a@yahoo.com failed 4.2.1 soft disabled\n"},
    {"the same words from anybody else",
	DSN("", "Final-Recipient: rfc822; a@example.net\nAction: failed\nStatus: 5.0.0\nRemote-MTA: dns; mx.example.net\n"
		"Diagnostic-Code: smtp; 554 This account has been disabled or discontinued\n"),
	"bounce", "a@example.net failed 5.0.0 soft disabled\n"},
    {"suspended for a time at Yahoo",
	DSN("", "Final-Recipient: rfc822; a@yahoo.com\nAction: failed\nStatus: 5.0.0\nRemote-MTA: dns; mta5.am0.yahoodns.net\n"
		"Diagnostic-Code: smtp; 554 delivery error: dd This account has been temporarily suspended\n"),
	"bounce", "a@yahoo.com failed 5.0.0 soft disabled\n"},
    {"nobody's name means anything",
	DSN("", "Final-Recipient: rfc822; spam.blocked@example.net\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 <spam.blocked@example.net> gone, "
		"see http://help.example.net/spam\n"),
	"bounce", "spam.blocked@example.net failed 5.1.1 hard unknown-user\n"},
    {"refused before a recipient was named",
	DSN("<a@example.net>: host mx.example.net said: 550 5.1.1 Unknown user (in reply to MAIL FROM command)",
	    "Final-Recipient: rfc822; a@example.net\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 Unknown user\n"),
	"bounce", "a@example.net failed 5.1.1 policy unknown-user\n"},
    {"qmail",
	TEXT("failure notice",
	    "Hi. This is the qmail-send program at mx.example.com.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n\n"
	    "<a@example.net>:\n192.0.2.1 does not like recipient.\nRemote host said: 550 5.1.1 no such user\nGiving up on 192.0.2.1.\n\n"
	    "--- Below this line is a copy of the message.\n\nReturn-Path: <b@sender.example>\nTo: a@example.net, c@example.net\nSubject: x\n\nx\n"),
	"bounce", "a@example.net failed 5.1.1 hard unknown-user\n"},
    {"Exim names them in a field",
	"X-Failed-Recipients: a@example.net\nAuto-Submitted: auto-replied\n" TEXT("Mail delivery failed: returning message to sender",
	    "This message was created automatically by mail delivery software.\n\n  a@example.net\n    host mx.example.net [192.0.2.1]\n"
	    "    SMTP error from remote mail server after RCPT TO:<a@example.net>:\n    550 5.1.1 <a@example.net>: no such user\n\n"
	    "------ This is a copy of the message, including all the headers. ------\n\nReturn-path: <b@sender.example>\nTo: z@example.net\n\nx\n"),
	"bounce", "a@example.net failed 5.1.1 hard unknown-user\n"},
    {"Exim's warning",
	TEXT("Warning: message 1abc delayed 24 hours", "The following address(es) have not yet been delivered:\n\n  a@example.net\n    host mx.example.net: connection timed out\n"),
	"bounce", "a@example.net delayed  soft network\n"},
    {"Domino", TEXT("DELIVERY FAILURE: User a (a@example.net) not listed in Domino Directory",
		   "Your message\n\n  Subject: x\n\nwas not delivered to:\n\n  a@example.net\n\nbecause:\n\n  User a (a@example.net) not listed in Domino Directory\n"),
	"bounce", "a@example.net failed  hard unknown-user\n"},
    {"Exchange", "From: System Administrator <postmaster@example.net>\nTo: b@sender.example\nSubject: Undeliverable: x\n\n"
		 "Your message\n\n  To:      a@example.net\n  Subject: x\n\ndid not reach the following recipient(s):\n\na@example.net on Tue, 24 Nov 2026\n"
		 "    The recipient name is not recognized\n",
	"bounce", "a@example.net failed  hard unknown-user\n"},
    {"two recipients, each with its own words",
	TEXT("Undelivered Mail", "These could not be delivered:\n\n<a@example.net>: host mx.example.net said: 550 5.1.1 no such user\n\n"
				  "<c@example.net>: host mx.example.net said: 552 5.2.2 mailbox full\n"),
	"bounce", "a@example.net failed 5.1.1 hard unknown-user\nc@example.net failed 5.2.2 soft full\n"},
    {"what is set in deeper names nobody new",
	TEXT("Undelivered Mail", "could not be delivered:\n\n<a@example.net>: host mx.example.net said: 550 5.1.1\n    <bounces@sender.example>: unauthorized sender (in reply to\n"
				  "    RCPT TO command)\n"),
	"bounce", "a@example.net failed 5.1.1 hard unknown-user\n"},
    {"a reply is no bounce", "From: Joe <joe@example.net>\nTo: b@sender.example\nSubject: Re: Offers\n\nuser unknown, mailbox full, could not be delivered to a@example.net\n", "other", ""},
    {"a newsletter is no bounce",
	"From: News <news@example.net>\nTo: b@sender.example\nSubject: How to avoid bounces\nList-Unsubscribe: <mailto:u@example.net>\n\n550 5.1.1 user unknown: a@example.org\n", "other", ""},
    {"out of office", "From: joe@example.net\nTo: b@sender.example\nSubject: Automatic reply: Offers\nAuto-Submitted: auto-replied\n\nI am away until a@example.net\n", "autoreply", ""},
    {"has left the company: reported, not suppressed", "From: joe@example.net\nTo: b@sender.example\nSubject: Out of Office: gone\n\nI no longer work here, user unknown.\n", "autoreply", ""},
    {"X-Auto-Response-Suppress is a wish, not a sign", "From: joe@example.net\nTo: b@sender.example\nSubject: Re: x\nX-Auto-Response-Suppress: All\n\nhello\n", "other", ""},
    {"Auto-Submitted: no", "From: joe@example.net\nTo: b@sender.example\nSubject: Re: x\nAuto-Submitted: no\n\nhello\n", "other", ""},
    {"a read receipt", "From: joe@example.net\nTo: b@sender.example\nSubject: Read: x\nMIME-Version: 1.0\nContent-Type: multipart/report; "
		       "report-type=disposition-notification; boundary=b\n\n--b\n\nread\n--b\nContent-Type: message/disposition-notification\n\n"
		       "Final-Recipient: rfc822;joe@example.net\nDisposition: manual-action; deleted\n--b--\n",
	"other", ""},
    {"abuse", ARF("abuse", "Original-Rcpt-To: joe@example.net\n"), "complaint", "joe@example.net   hard abuse\n"},
    {"abuse, recipient in the copy", ARF("abuse", ""), "complaint", "joe@example.net   hard abuse\n"},
    {"opt-out", ARF("opt-out", ""), "complaint", "joe@example.net   hard opt-out\n"},
    {"not-spam", ARF("not-spam", ""), "other", "joe@example.net   none not-spam\n"},
    {"fraud alerts", ARF("fraud", ""), "complaint", "joe@example.net   policy fraud\n"},
    {"virus alerts", ARF("virus", ""), "complaint", "joe@example.net   policy virus\n"},
    {"an authentication failure", ARF("auth-failure", ""), "other", "joe@example.net   none auth-failure\n"},
    {"a wish", "From: joe@example.net\nTo: b@sender.example\nSubject: unsubscribe\n\nplease\n", "optout", ""},
};
