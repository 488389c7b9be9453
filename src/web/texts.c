/* The sentences: one row each, English, Welsh, French, German, Spanish. Plain text with {{name}} holes, escaped when put in. */
#include "texts.h"

static const struct text {
	const char *key;
	const char *in[LANGUAGES];
} texts[] = {
	{"ask.title", {
		"Stop these e-mails?",
		"Atal yr e-byst hyn?",
		"Ne plus recevoir ces e-mails ?",
		"Diese E-Mails abbestellen?",
		"¿Dejar de recibir estos correos?"}},
	{"ask.nothing_yet", {
		"Nothing has changed yet. It takes effect when you press the button.",
		"Does dim wedi newid eto. Bydd yn dod i rym pan fyddwch yn pwyso'r botwm.",
		"Rien n'a encore changé. Votre choix prend effet quand vous appuyez sur le bouton.",
		"Noch hat sich nichts geändert. Es gilt, sobald Sie auf die Schaltfläche drücken.",
		"Todavía no ha cambiado nada. Tendrá efecto cuando pulse el botón."}},
	{"ask.button", {
		"Stop these e-mails",
		"Atal yr e-byst hyn",
		"Ne plus recevoir ces e-mails",
		"Diese E-Mails abbestellen",
		"Dejar de recibir estos correos"}},
	{"label.address", {"Your address", "Eich cyfeiriad", "Votre adresse", "Ihre Adresse", "Su dirección"}},
	{"label.sender", {"Sender", "Anfonwr", "Expéditeur", "Absender", "Remitente"}},
	{"label.stops", {"What stops", "Beth sy'n stopio", "Ce qui s'arrête", "Was aufhört", "Qué se detiene"}},
	{"word.these_mails", {
		"the e-mails that this link came with",
		"yr e-byst y daeth y ddolen hon gyda nhw",
		"les e-mails qui contenaient ce lien",
		"die E-Mails, in denen dieser Link stand",
		"los correos que contenían este enlace"}},
	{"done.title", {
		"Done. These e-mails stop.",
		"Wedi'i wneud. Mae'r e-byst hyn yn stopio.",
		"C'est fait. Ces e-mails s'arrêtent.",
		"Erledigt. Diese E-Mails hören auf.",
		"Hecho. Estos correos se detienen."}},
	{"done.body", {
		"Your choice is recorded. E-mails that are already waiting to be sent are stopped too.",
		"Mae eich dewis wedi'i gofnodi. Mae e-byst sydd eisoes yn aros i'w hanfon yn cael eu hatal hefyd.",
		"Votre choix est enregistré. Les e-mails déjà en attente d'envoi sont arrêtés eux aussi.",
		"Ihre Wahl ist gespeichert. Auch E-Mails, die schon auf den Versand warten, werden angehalten.",
		"Su elección ha quedado registrada. También se detienen los correos que ya esperaban a ser enviados."}},
	{"done.service", {
		"Receipts and messages about your account are not affected.",
		"Nid yw hyn yn effeithio ar dderbynebau na negeseuon am eich cyfrif.",
		"Les reçus et les messages concernant votre compte ne sont pas concernés.",
		"Belege und Nachrichten zu Ihrem Konto sind davon nicht betroffen.",
		"Los recibos y los mensajes sobre su cuenta no se ven afectados."}},
	{"word.all_of_brand", {
		"All marketing e-mails from {{brand}}",
		"Pob e-bost marchnata gan {{brand}}",
		"Tous les e-mails publicitaires de {{brand}}",
		"Alle Werbe-E-Mails von {{brand}}",
		"Todos los correos publicitarios de {{brand}}"}},
	{"word.all_of_sender", {
		"All marketing e-mails from this sender",
		"Pob e-bost marchnata gan yr anfonwr hwn",
		"Tous les e-mails publicitaires de cet expéditeur",
		"Alle Werbe-E-Mails dieses Absenders",
		"Todos los correos publicitarios de este remitente"}},
	{"more.title", {"More choices", "Rhagor o ddewisiadau", "Autres choix", "Weitere Möglichkeiten", "Más opciones"}},
	{"more.stream", {
		"Stop everything from {{stream}}",
		"Atal popeth gan {{stream}}",
		"Ne plus rien recevoir de {{stream}}",
		"Alles aus {{stream}} abbestellen",
		"Dejar de recibir todo lo de {{stream}}"}},
	{"more.brand", {
		"Stop all marketing e-mails from {{brand}}",
		"Atal pob e-bost marchnata gan {{brand}}",
		"Ne plus recevoir d'e-mails publicitaires de {{brand}}",
		"Alle Werbe-E-Mails von {{brand}} abbestellen",
		"Dejar de recibir todos los correos publicitarios de {{brand}}"}},
	{"more.sender", {
		"Stop all marketing e-mails from this sender",
		"Atal pob e-bost marchnata gan yr anfonwr hwn",
		"Ne plus recevoir d'e-mails publicitaires de cet expéditeur",
		"Alle Werbe-E-Mails dieses Absenders abbestellen",
		"Dejar de recibir todos los correos publicitarios de este remitente"}},
	{"undo.explain", {
		"Pressed by mistake? For one hour you can take it back here: I want to get these e-mails again.",
		"Wedi pwyso trwy gamgymeriad? Am awr gallwch ei dynnu'n ôl yma: rwyf am gael yr e-byst hyn eto.",
		"Une erreur ? Pendant une heure, vous pouvez revenir sur ce choix ici : je veux recevoir de nouveau ces e-mails.",
		"Aus Versehen gedrückt? Eine Stunde lang können Sie es hier zurücknehmen: Ich möchte diese E-Mails wieder erhalten.",
		"¿Lo pulsó por error? Durante una hora puede deshacerlo aquí: quiero volver a recibir estos correos."}},
	{"undo.button", {
		"Undo: send me these e-mails again",
		"Dadwneud: anfonwch yr e-byst hyn ataf eto",
		"Annuler : m'envoyer de nouveau ces e-mails",
		"Zurücknehmen: diese E-Mails wieder senden",
		"Deshacer: volver a enviarme estos correos"}},
	{"undone.title", {
		"You will get these e-mails again",
		"Byddwch yn cael yr e-byst hyn eto",
		"Vous recevrez de nouveau ces e-mails",
		"Sie erhalten diese E-Mails wieder",
		"Volverá a recibir estos correos"}},
	{"undone.body", {
		"Your opt-out was taken back, and your wish to get these e-mails is recorded. You can stop them again at any time.",
		"Tynnwyd eich dewis i beidio yn ôl, ac mae eich dymuniad i gael yr e-byst hyn wedi'i gofnodi. Gallwch eu hatal eto unrhyw bryd.",
		"Votre désinscription est annulée et votre souhait de recevoir ces e-mails est enregistré. Vous pouvez les arrêter de nouveau à tout moment.",
		"Ihre Abmeldung ist zurückgenommen, und Ihr Wunsch, diese E-Mails zu erhalten, ist gespeichert. Sie können sie jederzeit wieder abbestellen.",
		"Su baja queda deshecha y su deseo de recibir estos correos ha quedado registrado. Puede detenerlos de nuevo en cualquier momento."}},
	{"still.title", {
		"Taken back, but these e-mails stay stopped",
		"Wedi'i dynnu'n ôl, ond mae'r e-byst hyn yn dal wedi'u hatal",
		"Annulé, mais ces e-mails restent arrêtés",
		"Zurückgenommen, aber diese E-Mails bleiben abbestellt",
		"Deshecho, pero estos correos siguen detenidos"}},
	{"still.body", {
		"Your wish is recorded, but another stop for your address still stands. Ask the sender if you want that one lifted too.",
		"Mae eich dymuniad wedi'i gofnodi, ond mae ataliad arall ar gyfer eich cyfeiriad o hyd. Gofynnwch i'r anfonwr os ydych am godi hwnnw hefyd.",
		"Votre souhait est enregistré, mais un autre blocage de votre adresse demeure. Adressez-vous à l'expéditeur pour le lever aussi.",
		"Ihr Wunsch ist gespeichert, aber für Ihre Adresse gilt noch eine andere Sperre. Wenden Sie sich an den Absender, um auch diese aufzuheben.",
		"Su deseo ha quedado registrado, pero sigue habiendo otro bloqueo para su dirección. Pida al remitente que lo levante también."}},
	{"undone.label", {"What comes again", "Beth sy'n dod eto", "Ce qui reprend", "Was wieder kommt", "Qué vuelve a llegar"}},
	{"late.title", {
		"This can't be undone here any more",
		"Ni ellir dadwneud hyn yma mwyach",
		"Ce choix ne peut plus être annulé ici",
		"Das lässt sich hier nicht mehr zurücknehmen",
		"Esto ya no se puede deshacer aquí"}},
	{"late.body", {
		"Nothing has changed: the e-mails stay stopped. To get them again, sign up with the sender.",
		"Does dim wedi newid: mae'r e-byst wedi'u hatal o hyd. I'w cael eto, cofrestrwch gyda'r anfonwr.",
		"Rien n'a changé : les e-mails restent arrêtés. Pour les recevoir de nouveau, inscrivez-vous auprès de l'expéditeur.",
		"Es hat sich nichts geändert: Die E-Mails bleiben abbestellt. Um sie wieder zu erhalten, melden Sie sich beim Absender an.",
		"No ha cambiado nada: los correos siguen detenidos. Para volver a recibirlos, suscríbase con el remitente."}},
	{"unclear.title", {
		"Nothing has changed",
		"Does dim wedi newid",
		"Rien n'a changé",
		"Es hat sich nichts geändert",
		"No ha cambiado nada"}},
	{"unclear.body", {
		"The request did not say what to do. Open the link in the e-mail and press the button on the page.",
		"Nid oedd y cais yn dweud beth i'w wneud. Agorwch y ddolen yn yr e-bost a phwyswch y botwm ar y dudalen.",
		"La demande ne disait pas quoi faire. Ouvrez le lien de l'e-mail et appuyez sur le bouton de la page.",
		"Die Anfrage sagte nicht, was zu tun ist. Öffnen Sie den Link in der E-Mail und drücken Sie die Schaltfläche auf der Seite.",
		"La petición no decía qué hacer. Abra el enlace del correo y pulse el botón de la página."}},
	{"forged.title", {
		"This link is not complete",
		"Nid yw'r ddolen hon yn gyflawn",
		"Ce lien n'est pas complet",
		"Dieser Link ist nicht vollständig",
		"Este enlace no está completo"}},
	{"forged.body", {
		"Nothing has changed. Part of the link may have been lost on the way. Open the link in the e-mail again, or copy all of it into the address bar.",
		"Does dim wedi newid. Efallai bod rhan o'r ddolen wedi'i cholli ar y ffordd. Agorwch y ddolen yn yr e-bost eto, neu gopïwch y cyfan ohoni i'r bar cyfeiriad.",
		"Rien n'a changé. Une partie du lien s'est peut-être perdue en route. Ouvrez de nouveau le lien de l'e-mail, ou copiez-le en entier dans la barre d'adresse.",
		"Es hat sich nichts geändert. Vielleicht ging ein Teil des Links unterwegs verloren. Öffnen Sie den Link in der E-Mail noch einmal, oder kopieren Sie ihn vollständig in die Adresszeile.",
		"No ha cambiado nada. Puede que una parte del enlace se haya perdido por el camino. Vuelva a abrir el enlace del correo o cópielo entero en la barra de direcciones."}},
	{"missing.title", {
		"There is no such page",
		"Nid oes tudalen o'r fath",
		"Cette page n'existe pas",
		"Diese Seite gibt es nicht",
		"Esta página no existe"}},
	{"missing.body", {
		"Open the link in the e-mail again, or copy all of it into the address bar.",
		"Agorwch y ddolen yn yr e-bost eto, neu gopïwch y cyfan ohoni i'r bar cyfeiriad.",
		"Ouvrez de nouveau le lien de l'e-mail, ou copiez-le en entier dans la barre d'adresse.",
		"Öffnen Sie den Link in der E-Mail noch einmal, oder kopieren Sie ihn vollständig in die Adresszeile.",
		"Vuelva a abrir el enlace del correo o cópielo entero en la barra de direcciones."}},
	{"busy.title", {
		"Please try again in a minute",
		"Rhowch gynnig arall arni ymhen munud",
		"Veuillez réessayer dans une minute",
		"Bitte versuchen Sie es in einer Minute noch einmal",
		"Vuelva a intentarlo en un minuto"}},
	{"busy.body", {
		"Your choice could not be stored just now, so nothing has changed yet. The same link will work again.",
		"Nid oedd modd storio eich dewis nawr, felly does dim wedi newid eto. Bydd yr un ddolen yn gweithio eto.",
		"Votre choix n'a pas pu être enregistré à l'instant, donc rien n'a encore changé. Le même lien fonctionnera de nouveau.",
		"Ihre Wahl konnte gerade nicht gespeichert werden, es hat sich also noch nichts geändert. Derselbe Link funktioniert dann wieder.",
		"Su elección no se ha podido guardar en este momento, así que todavía no ha cambiado nada. El mismo enlace volverá a funcionar."}},
	{"throttled.title", {
		"Too many wrong links",
		"Gormod o ddolenni anghywir",
		"Trop de liens erronés",
		"Zu viele falsche Links",
		"Demasiados enlaces erróneos"}},
	{"throttled.body", {
		"Many links that are not ours were tried from your network. Wait a minute. A complete link from an e-mail always works.",
		"Rhoddwyd cynnig ar lawer o ddolenni nad ydynt yn eiddo i ni o'ch rhwydwaith. Arhoswch funud. Mae dolen gyflawn o e-bost bob amser yn gweithio.",
		"Beaucoup de liens qui ne sont pas les nôtres ont été essayés depuis votre réseau. Attendez une minute. Un lien complet venant d'un e-mail fonctionne toujours.",
		"Aus Ihrem Netz wurden viele Links versucht, die nicht von uns sind. Warten Sie eine Minute. Ein vollständiger Link aus einer E-Mail funktioniert immer.",
		"Desde su red se han probado muchos enlaces que no son nuestros. Espere un minuto. Un enlace completo de un correo funciona siempre."}},
	{"toolarge.title", {
		"The request is too large",
		"Mae'r cais yn rhy fawr",
		"La demande est trop grande",
		"Die Anfrage ist zu groß",
		"La petición es demasiado grande"}},
	{"toolarge.body", {
		"Nothing has changed. The form on the page is small; something else was sent.",
		"Does dim wedi newid. Mae'r ffurflen ar y dudalen yn fach; anfonwyd rhywbeth arall.",
		"Rien n'a changé. Le formulaire de la page est petit ; autre chose a été envoyé.",
		"Es hat sich nichts geändert. Das Formular der Seite ist klein; gesendet wurde etwas anderes.",
		"No ha cambiado nada. El formulario de la página es pequeño; se ha enviado otra cosa."}},
	{"method.title", {
		"This can't be done here",
		"Ni ellir gwneud hyn yma",
		"Ce n'est pas possible ici",
		"Das geht hier nicht",
		"Esto no se puede hacer aquí"}},
	{"method.body", {
		"Nothing has changed.",
		"Does dim wedi newid.",
		"Rien n'a changé.",
		"Es hat sich nichts geändert.",
		"No ha cambiado nada."}},
};

#define TEXTS (sizeof texts / sizeof *texts)

struct view text_of(struct view key, enum language l)
{
	for (size_t i = 0; i < TEXTS; i++)
		if (view_eq(view_of(texts[i].key), key))
			return view_of(texts[i].in[l]);
	return (struct view){0};
}

const char *text_key(size_t i)
{
	return i < TEXTS ? texts[i].key : NULL;
}
