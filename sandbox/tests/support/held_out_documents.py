"""Documents written before the lexicon was tuned for wordings and the judge's `null` was calibrated, to measure both.

Do not tune to them, and do not look at which of them fail. Till slips and forms are many, for they were missed most.
"""

from support.documents import documents

HELD_OUT = documents("""
== receipt en
FRESH & CO  Store 118
Bananas 0.89
Oat milk 2.15
Rye loaf 2.60
TOTAL 5.64
VISA ****7781  5.64
AUTH 004512  09/07/26 17:41
== receipt en
Harbour Fish Bar
Table 6   2 guests
Cod & chips x2   27.00
Lemonade x2       5.20
Service 10%       3.22
Card payment     35.42
Thanks for dining with us
== receipt en
CITY CABS
Trip 12 July, 08:05 - 08:31
Fare 18.40  Tip 2.00
Charged to Mastercard 20.40
== receipt de
REWE Markt Lindenallee
Milch 1,19 A
Brot 3,49 A
Waschmittel 4,95 B
SUMME EUR 9,63
Geg. EC-Karte EUR 9,63
12.07.2026 18:22  Bon-Nr. 3391
== receipt de
Gasthof Zur Linde
Tisch 4
2 Schnitzel 31,80
1 Radler 4,20
Gesamt 36,00 EUR
Bar erhalten 40,00  Rückgeld 4,00
== receipt fr
SUPER U  12/07/2026 11:04
CAFE MOULU 3,45
LAIT 1L X6 5,70
TOTAL A PAYER 9,15
CARTE BANCAIRE 9,15
MERCI DE VOTRE VISITE
== receipt fr
Brasserie du Port
Table 12   Couverts 2
2 plats du jour 33,00
1 carafe de vin 9,50
Total TTC 42,50  dont TVA 3,86
Réglé par CB le 8 juillet
== receipt es
MERCADO LA PLAZA
Tomates 2,10
Aceite 6,95
TOTAL 9,05
EFECTIVO 10,00
CAMBIO 0,95
13/07/2026 12:18 Gracias
== receipt es
Estación de servicio Ruta 5
Surtidor 3  Gasóleo A 41,20 l
Importe 61,39 EUR
Pagado con tarjeta **** 9920
== receipt it
Alimentari Da Rosa
Pane 2,20
Prosciutto 5,60
TOTALE COMPLESSIVO 7,80
di cui IVA 0,31
Pagamento elettronico 7,80
14-07-2026 09:33
== receipt it
Trattoria al Ponte
Coperto 2 x 2,00
Primi 2 x 11,00
Acqua 2,50
Totale 28,50
Pagato con carta. Grazie e a presto
== form en
Change of address
Please complete in block capitals.
Surname ______________   First names ______________
Old address ______________   New address ______________
Moving date __ / __ / ____
[ ] I also want my post forwarded   Signature ____________
== form en
SCHOOL TRIP CONSENT
Child's name: ..........................  Class: ........
My child may take part [ ] yes [ ] no
Allergies: ..........................
Parent or guardian: ..........................
Return to the office by Friday.
== form de
Anmeldung zum Sportverein
Name, Vorname: ____________  Geburtsdatum: ________
Straße: ____________  PLZ/Ort: ____________
☐ Erwachsene  ☐ Jugendliche  ☐ Familie
Ort, Datum ____________  Unterschrift ____________
== form de
Antrag auf Kindergeld
Bitte in Druckschrift ausfüllen und Zutreffendes ankreuzen.
Antragsteller/in: ..............................
Familienstand: [ ] ledig [ ] verheiratet
Anzahl der Kinder: ....
== form fr
Demande d'inscription à la bibliothèque
Nom : ______________  Prénom : ______________
Date de naissance : __/__/____
☐ Adulte ☐ Étudiant ☐ Enfant
Cochez la case correspondante. Signature : ______________
== form es
Solicitud de empadronamiento
Apellidos: ______________  Nombre: ______________
DNI: ____________  Domicilio: ______________
Marque con una X: [ ] alta [ ] cambio de domicilio
Firma del solicitante: ______________
== form it
Modulo di iscrizione al corso
Cognome ______________  Nome ______________
Codice fiscale ______________
☐ principiante ☐ avanzato
Barrare la casella. Data e firma ______________
== invoice en
Willow Translations
Our invoice 2026-77 to Baxter Instruments
12,400 words English to Swedish at 0.14     1,736.00
VAT reverse charge
Please remit 1,736.00 EUR by 31 July quoting the number above.
== invoice es
Pinturas Serrano   NIF B-11223344
Factura n.º 118/26
Pintado de fachada, 84 m²   1.260,00
Base imponible 1.260,00   IVA 21 %   264,60
Total a pagar 1.524,60   Vencimiento 30 días
== contract de
Dienstleistungsvereinbarung
zwischen der Bau AG (Auftraggeber) und Frau Klara Stern (Auftragnehmerin)
1. Die Auftragnehmerin übernimmt die Buchführung. 2. Die Vergütung beträgt 900 Euro im Monat.
3. Beide Seiten können mit einer Frist von vier Wochen kündigen. Hamburg, den 1. Juli 2026
== contract en
TERMS OF HIRE
Parties: Moor Boats ("we") and the hirer named overleaf ("you").
You must return the boat by 6 pm and pay for any damage. We are not liable for loss of belongings.
Both of us are bound by these terms once you have signed.
== resume it
Giulia Ferri - Grafica pubblicitaria
Esperienze professionali: dal 2020 Studio Linea, Bologna; 2016-2020 freelance
Istruzione: Accademia di Belle Arti, 2016
Competenze: InDesign, Illustrator. Lingue: inglese, tedesco
== resume fr
Hugo Mercier, 29 ans, menuisier
Expérience : 2018-2026 Ateliers du Bois, Rennes
Diplômes : CAP menuiserie, BP charpente
Compétences : lecture de plans, pose. Permis B
== bank_statement es
Caja del Norte - Extracto de cuenta julio 2026
Saldo anterior 640,12
02/07 Recibo agua -31,40
25/07 Abono nómina +1.480,00
Saldo final 2.088,72
== bank_statement en
First Prairie Bank - Savings
Beginning balance $2,010.55
07/03 Deposit 300.00
07/18 ATM withdrawal 80.00
07/31 Interest 1.12
Ending balance $2,231.67
== letter it
Gentile dottoressa Bassi,
La ringrazio per la disponibilità. Le confermo che saremo da Lei giovedì alle dieci.
Con i migliori saluti
Paolo Greco
== letter de
Sehr geehrter Herr Lorenz,
vielen Dank für Ihr Schreiben vom 3. Juli. Gern kommen wir Ihrem Wunsch nach und besuchen Sie im August.
Mit freundlichen Grüßen
Anke Petersen
== purchase_order es
PEDIDO 2026/419
Proveedor: Maderas del Sur
Les rogamos el envío de 30 tableros de roble 200x60 a 48,00 la unidad
Entrega: antes del 22 de julio en nuestro almacén
== purchase_order it
Ordine d'acquisto n. 77
Spett.le Ferramenta Rossi, Vi ordiniamo quanto segue:
500 viti inox M6, 200 rondelle
Consegna entro il 20 luglio, franco nostro magazzino
== payslip de
Entgeltabrechnung Juli 2026
Personalnummer 4410   Steuerklasse 1
Gesamtbrutto 3.120,00
Lohnsteuer 402,50  Sozialversicherung 634,00
Auszahlungsbetrag 2.083,50
== payslip fr
BULLETIN DE PAIE  Période : 07/2026
Employeur : Ateliers Nord   Emploi : soudeur
Salaire brut 2 140,00   Total cotisations 471,00
Net imposable 1 702,00   Net à payer avant impôt 1 669,00
== medical it
Ospedale Maggiore - Lettera di dimissione
Paziente: Carla Neri, anni 70. Diagnosi: frattura del femore.
Intervento eseguito il 2 luglio. Terapia: paracetamolo 1 g, fisioterapia. Controllo fra 30 giorni.
== medical en
Prescription
Patient: T. Moss, DOB 14/02/1980
Ramipril 5 mg, one tablet daily, 28 tablets, no repeats
Dr L. Chana
== insurance de
Schadenanzeige Kfz
Versicherungsnehmer: R. Thiel   Police 4471-02
Hergang: Beim Ausparken stieß ich gegen einen Poller. Schaden an der Stoßstange, ca. 700 Euro.
== insurance it
Polizza casa n. 88-4120
Contraente: M. Villa   Premio annuo 198,00
Garanzie: incendio, furto, acqua condotta   Franchigia 200,00
== research_paper en
Do Night Shifts Change How Nurses Eat? A Diary Study
Abstract. 64 nurses kept diaries for two weeks. Energy intake rose by 9% on nights (95% CI 4-14).
Keywords: shift work, nutrition. 1 Background ... References: [1] Lowden 2010
== research_paper it
L'effetto del verde urbano sul sonno: uno studio su 300 adulti
Riassunto. Obiettivo: valutare l'associazione. Metodi: questionario e attigrafia. Risultati: differenza
significativa (p = 0,03).
Bibliografia: 1. Astell-Burt, 2013.
== none en
Lentil stew
Soften two onions in oil, add cumin and red lentils, cover with stock and simmer for twenty-five minutes. Finish
with lemon.
== none en
The swans came back in March, as if the ice had sent for them.
All afternoon we stood along the rail and did not speak.
== none de
Wie man ein Fahrrad putzt
Zuerst die Kette mit einer Bürste reinigen, dann den Rahmen mit lauwarmem Wasser abwischen. Zum Schluss die Kette ölen.
== none fr
Trois jours en Auvergne
Nous avons dormi dans un gîte au pied du volcan. Le matin, la brume remplissait la vallée, et les vaches sonnaient.
== none es
El gato que sabía leer
Cada noche, cuando todos dormían, el gato abría un libro y pasaba las páginas con la pata.
== none it
Come curare le orchidee
Annaffiare una volta alla settimana con acqua tiepida. Tenere la pianta vicino a una finestra, mai al sole diretto.
== none en
Rules of croquet in two minutes
Each side has two balls. Strike them through six hoops in order and then against the peg. A roquet earns two more
strokes.
== none en
Storm closes mountain pass
Drivers were told to turn back on Tuesday after snow covered the road above 1,400 metres. Ploughs will start at dawn.
== none de
Der alte Bahnhof
Seit dreißig Jahren hält hier kein Zug mehr. Auf den Gleisen wächst Klee, und in der Halle wohnen die Schwalben.
== none en
Why do cats purr?
The sound comes from rapid movements of muscles around the voice box. Cats purr when content, but also when injured.
""")
