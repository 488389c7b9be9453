/* The mails that the forms send. Lines are joined by \n. */
#include "texts_tables.h"

const struct text texts_mails[] = {
	{"mail.lost.subject", {
		"Your link to stop our e-mails",
		"Eich dolen i atal ein e-byst",
		"Votre lien pour arrêter nos e-mails",
		"Ihr Link zum Abbestellen unserer E-Mails",
		"Su enlace para detener nuestros correos"}},
	{"mail.lost.text", {
		"Somebody, probably you, asked for a link to choose which e-mails {{brand}} sends to this address. Open it and press a button there; until then nothing changes:\n\n{{link}}\n\nIt wasn't you? Then ignore this e-mail.\n",
		"Gofynnodd rhywun, chi mae'n debyg, am ddolen i ddewis pa e-byst y mae {{brand}} yn eu hanfon i'r cyfeiriad hwn. Agorwch hi a phwyswch fotwm yno; tan hynny does dim yn newid:\n\n{{link}}\n\nNid chi oedd? Yna anwybyddwch yr e-bost hwn.\n",
		"Quelqu'un, sans doute vous, a demandé un lien pour choisir les e-mails que {{brand}} envoie à cette adresse. Ouvrez-le et appuyez sur un bouton ; d'ici là, rien ne change :\n\n{{link}}\n\nCe n'était pas vous ? Ignorez cet e-mail.\n",
		"Jemand, vermutlich Sie, hat einen Link angefordert, um zu wählen, welche E-Mails {{brand}} an diese Adresse sendet. Öffnen Sie ihn und drücken Sie dort eine Schaltfläche; bis dahin ändert sich nichts:\n\n{{link}}\n\nSie waren es nicht? Dann ignorieren Sie diese E-Mail.\n",
		"Alguien, probablemente usted, ha pedido un enlace para elegir qué correos envía {{brand}} a esta dirección. Ábralo y pulse un botón; hasta entonces no cambia nada:\n\n{{link}}\n\n¿No fue usted? Ignore este correo.\n"}},
	{"mail.join.subject", {
		"Please confirm that you want e-mails from {{brand}}",
		"Cadarnhewch eich bod am gael e-byst gan {{brand}}",
		"Veuillez confirmer que vous voulez les e-mails de {{brand}}",
		"Bitte bestätigen Sie, dass Sie E-Mails von {{brand}} möchten",
		"Confirme que quiere correos de {{brand}}"}},
	{"mail.join.text", {
		"Somebody, probably you, entered this address to get e-mails from {{brand}}. Open the link and confirm there:\n\n{{link}}\n\nIt wasn't you? Then ignore this e-mail: without the confirmation nothing is sent and nothing is kept.\n",
		"Rhoddodd rhywun, chi mae'n debyg, y cyfeiriad hwn i gael e-byst gan {{brand}}. Agorwch y ddolen a chadarnhewch yno:\n\n{{link}}\n\nNid chi oedd? Yna anwybyddwch yr e-bost hwn: heb y cadarnhad ni anfonir dim ac ni chedwir dim.\n",
		"Quelqu'un, sans doute vous, a saisi cette adresse pour recevoir les e-mails de {{brand}}. Ouvrez le lien et confirmez :\n\n{{link}}\n\nCe n'était pas vous ? Ignorez cet e-mail : sans confirmation, rien n'est envoyé ni conservé.\n",
		"Jemand, vermutlich Sie, hat diese Adresse eingetragen, um E-Mails von {{brand}} zu erhalten. Öffnen Sie den Link und bestätigen Sie dort:\n\n{{link}}\n\nSie waren es nicht? Dann ignorieren Sie diese E-Mail: Ohne Bestätigung wird nichts gesendet und nichts gespeichert.\n",
		"Alguien, probablemente usted, ha introducido esta dirección para recibir correos de {{brand}}. Abra el enlace y confirme allí:\n\n{{link}}\n\n¿No fue usted? Ignore este correo: sin confirmación no se envía ni se guarda nada.\n"}},
	{"mail.right.subject", {
		"Please confirm your request to {{brand}}",
		"Cadarnhewch eich cais i {{brand}}",
		"Veuillez confirmer votre demande à {{brand}}",
		"Bitte bestätigen Sie Ihren Antrag an {{brand}}",
		"Confirme su solicitud a {{brand}}"}},
	{"mail.right.text", {
		"Somebody, probably you, asked {{brand}} about the data kept on this address. Open the link and confirm there; the request begins then:\n\n{{link}}\n\nIt wasn't you? Then ignore this e-mail.\n",
		"Gofynnodd rhywun, chi mae'n debyg, i {{brand}} am y data a gedwir ar y cyfeiriad hwn. Agorwch y ddolen a chadarnhewch yno; dyna pryd mae'r cais yn dechrau:\n\n{{link}}\n\nNid chi oedd? Yna anwybyddwch yr e-bost hwn.\n",
		"Quelqu'un, sans doute vous, a adressé à {{brand}} une demande sur les données liées à cette adresse. Ouvrez le lien et confirmez ; la demande commence alors :\n\n{{link}}\n\nCe n'était pas vous ? Ignorez cet e-mail.\n",
		"Jemand, vermutlich Sie, hat bei {{brand}} einen Antrag zu den Daten dieser Adresse gestellt. Öffnen Sie den Link und bestätigen Sie dort; damit beginnt der Antrag:\n\n{{link}}\n\nSie waren es nicht? Dann ignorieren Sie diese E-Mail.\n",
		"Alguien, probablemente usted, ha hecho a {{brand}} una solicitud sobre los datos de esta dirección. Abra el enlace y confirme allí; la solicitud empieza entonces:\n\n{{link}}\n\n¿No fue usted? Ignore este correo.\n"}},
	{0},
};
