"""The first set of documents written after a freeze of the lexicon. Its errors have taught the lexicon since: it guards
against falling behind, and measures nothing. What measures is `unseen_documents`.
"""

from support.documents import documents

SEEN = documents("""
== invoice en
Cedar & Pine Landscaping
Invoice #0457                                   June 9, 2026
Customer: Hollis Dental Practice, 88 Quay Street
Hedge trimming, front and rear        6 h   55.00    330.00
Removal of green waste                1     40.00     40.00
                                          GST 5%      18.50
                                      Please pay    388.50
Terms: 21 days. Account 220-118-9, Coast Credit Union.
== invoice en
STATEMENT OF FEES
Barrow & Lyle Solicitors - our ref: BL/2026/771
To professional charges in connection with the purchase of 3 Orchard Way
Fees 1,250.00   Land registry search 36.00   VAT 250.00
Amount owing: GBP 1,536.00
Kindly settle this account by 30 April quoting the reference above.
== invoice de
Elektro Brandt e.K. · Gartenstr. 4 · 38100 Braunschweig
Familie Yilmaz, Am Anger 12
Rechnung 26/0931 vom 14.05.2026
Ihr Auftrag vom 02.05.2026: Austausch Sicherungskasten
Material 318,40   Arbeitszeit 7,5 Std. 412,50
Netto 730,90  19 % MwSt 138,87  Rechnungssumme 869,77 Euro
Bitte überweisen Sie den Betrag bis zum 28.05.2026.
== invoice fr
Boulangerie Traiteur Marchand
Facture 2026-0088 du 18 mars 2026
Doit : Association Les Amis du Lac
60 plateaux repas à 11,50 €      690,00 €
Livraison                          25,00 €
TVA 10 %                           71,50 €
A payer                           786,50 €
Règlement par virement sous 30 jours.
== invoice es
Talleres Romero, S.L.   CIF B-99887766
FACTURA A-2026/314            Fecha: 22 de abril de 2026
Cliente: Transportes Duero
Cambio de embrague, mano de obra 5 h     225,00
Recambios                                 410,00
IVA 21 %                                  133,35
TOTAL                                     768,35 euros
== invoice it
Idraulica Fontana S.n.c.
Fattura n. 61/2026                     Milano, 7 maggio 2026
Spett.le Condominio Via Verdi 9
Sostituzione caldaia                    1.900,00
IVA 10%                                   190,00
Totale                                  2.090,00
Pagamento: bonifico a 30 giorni data fattura
== invoice nl
Schildersbedrijf De Kwast
Factuur 2026-107          Datum: 3 juni 2026
Aan: VvE Parkzicht
Schilderwerk trappenhuis     1.480,00
21% btw                        310,80
Totaal te voldoen            1.790,80
Graag betalen binnen 14 dagen op NL20 RABO 0123 4567 89
== receipt en
THE CORNER BOOKSHOP
12 High Street    Tel 01632 960 123
07/05/2026 14:22  Till 2  Served by: Priya
The Salt Path           9.99
Gift wrap               1.50
Total                  11.49
Contactless Mastercard 11.49
Please keep this slip for exchanges
== receipt en
Riverside Parking
Ticket 88213  Entry 09:02  Exit 12:40
Paid 7.50 by credit card ****2210
Thank you, drive safely
== receipt de
Bäckerei Sonnenschein
Quittung
2 Brezeln 1,80   1 Kaffee 2,60
Summe EUR 4,40
bar 5,00   zurück 0,60
inkl. 7 % MwSt 0,29
Danke und auf Wiedersehen!
== receipt fr
PHARMACIE DU MARCHÉ
Ticket n° 4471   12/04/2026 10:31
Doliprane 2,18   Sirop 6,40
TOTAL 8,58 EUR   CB 8,58
Merci et à bientôt
== receipt es
Recibo
He recibido de D. Pablo Ríos la cantidad de 450,00 euros
en concepto de alquiler del mes de mayo.
Valencia, 2 de mayo de 2026. Firma: M. Soler
== contract en
CATERING CONTRACT
Made on 4 April 2026 between Fig & Olive Ltd (the Caterer) and Anna Bell (the Client).
The Caterer will serve a three course dinner for 80 guests on 12 September.
The Client shall pay a deposit of 30% on signing. If the Client cancels less than 14 days before the event the deposit
is forfeited. Neither party is liable for delays beyond its control.
Signed: ________________    ________________
== contract en
Equipment Rental Terms between Peak Tools Inc. ("Owner") and the Renter named below
1. Owner rents to Renter the equipment listed in Schedule A.
2. Renter shall indemnify Owner against all claims arising out of use of the equipment.
3. This contract shall be construed under the laws of the State of Colorado.
4. Amendments must be in writing and signed by both parties.
== contract en
CONFIDENTIALITY UNDERTAKING
In return for access to the data room the Recipient agrees not to reveal the Information to anyone except its
professional advisers, and to destroy all copies on request. The Recipient's obligations continue for five years.
== contract de
Kaufvertrag über ein gebrauchtes Fahrzeug
Verkäufer: Jens Otte    Käufer: Mira Schulz
Der Verkäufer verkauft hiermit das nachstehend bezeichnete Fahrzeug unter Ausschluss der Gewährleistung.
Kaufpreis: 6.400 Euro. Das Eigentum geht mit vollständiger Zahlung über.
Ort, Datum, Unterschriften
== contract fr
CONTRAT DE LOCATION SAISONNIÈRE
Entre M. Faure, propriétaire, et Mme Blanc, locataire, il est convenu ce qui suit :
Le propriétaire loue la villa Les Pins du 4 au 18 juillet. Le loyer est de 1 400 euros.
Le locataire s'engage à rendre les lieux en bon état. Fait en deux exemplaires, signatures.
== contract it
Contratto di collaborazione
Tra Studio Moro S.r.l. e la dott.ssa Elena Rinaldi si conviene e si stipula quanto segue.
Art. 1 - Oggetto. Art. 2 - Durata. Art. 3 - Compenso. Art. 4 - Riservatezza.
Per ogni controversia è competente il foro di Torino. Letto, confermato e sottoscritto.
== resume en
MARCUS ADEYEMI
Electrician | Leeds | 07700 900123
Profile: time-served electrician with twelve years on commercial sites.
Career
2018-2026 Site supervisor, Volta Installations
2013-2018 Electrician, Brightspark Ltd
Qualifications: NVQ Level 3, City & Guilds 2391
Interests: fell running
== resume en
Professional summary
Marketing manager with a record of growing online sales.
Work experience
Head of Campaigns, Luma Foods - launched two brands, managed a budget of 2m
Education: BA Economics, Universidad de Chile
Languages: Spanish (native), English (fluent)
== resume de
Tabellarischer Lebenslauf
Sofia Brandt, geb. 12.08.1994 in Jena
Beruflicher Werdegang: seit 2019 Steuerfachangestellte, Kanzlei Weber
Schulausbildung: 2013 Abitur
Sprachen: Englisch, Russisch; EDV: DATEV, Excel
== resume es
Javier Montes - Arquitecto técnico
Experiencia: 2015-2024 jefe de obra en Construcciones Ebro
Formación: Universidad de Zaragoza, 2014
Idiomas: inglés B2, francés A2
Aptitudes: AutoCAD, Revit. Carnet de conducir B
== resume nl
Curriculum vitae
Naam: Femke de Boer, Utrecht
Werkervaring: 2017-heden verpleegkundige, UMC
Opleiding: hbo Verpleegkunde, 2016
Vaardigheden: wondzorg, teamwerk
== bank_statement en
Meridian Bank plc       Current account 40-11-22 88123456
Your transactions 1 to 31 March 2026
Balance on 1 March                  1,204.10
04 Mar  Direct debit  Council tax     -142.00
15 Mar  Salary        Orchard Ltd   +2,150.00
27 Mar  Cash machine  High Street      -60.00
Balance on 31 March                 3,152.10
== bank_statement en
Credit card account summary    Card ending 9034
Last statement 640.22   Payments 640.22   New purchases 318.75   Interest 0.00
Closing balance 318.75    Credit limit 4,000
12 May Fuel station 52.10; 19 May Hotel 266.65
== bank_statement de
Volksbank Heide eG
Kontoauszug Nr. 5   Konto 220118
Saldo alt 884,12 H
05.05. Miete 620,00 S
28.05. Lohn 1.940,00 H
Saldo neu 2.204,12 H
== bank_statement fr
Banque du Littoral - Relevé de votre compte chèques
Ancien solde au 01/04 : 512,40
03/04 Prélèvement EDF 64,00
28/04 Virement salaire 1 780,00
Nouveau solde au 30/04 : 2 228,40
== bank_statement it
Banca Popolare - Estratto conto al 31/03/2026
Saldo iniziale 1.020,00
10/03 Addebito SDD luce 75,30
27/03 Accredito stipendio 1.650,00
Saldo finale 2.594,70
== letter en
14 May 2026
Dear Dr Osborne,
Thank you for agreeing to speak at our annual lunch. We have booked you a room at the Castle Hotel and a car will meet
your train at ten. Do let me know if you would like to bring a guest.
With kind regards,
Helen Frost
== letter en
To whom it may concern
I have known Peter Vance for six years as a neighbour and can vouch for his honesty. He looked after our house every
summer. Please do not hesitate to call me.
Yours truly,
S. Hartman
== letter de
Liebe Frau Neumann,
herzlichen Dank für die schönen Blumen und Ihre Genesungswünsche. Mir geht es schon viel besser, und ich freue mich auf
unser nächstes Treffen im Juli.
Herzliche Grüße
Ihre Gisela Thoma
== letter fr
Chère Madame Leroy,
Nous avons bien reçu votre courrier du 2 mai et vous remercions de votre fidélité. Votre demande est à l'étude et nous
reviendrons vers vous dans les meilleurs délais.
Bien cordialement,
Le service clients
== letter es
Estimada señora Vidal:
Le escribo para informarle de que la reunión de vecinos se aplaza al 9 de junio a las siete de la tarde.
Reciba un cordial saludo,
El administrador
== letter nl
Geachte heer Van Dam,
Hierbij bevestig ik onze afspraak van aanstaande maandag om elf uur bij u op kantoor. Mocht u verhinderd zijn, dan hoor
ik het graag.
Met vriendelijke groet,
J. Smit
== purchase_order en
Order to supplier
Lakeside Hospital Procurement           Order no. LH-20931
Supplier: MediGlove BV
Please deliver 200 boxes nitrile gloves size M at 4.10 and 50 boxes size L at 4.10
Delivery required by 20 May to Goods In, Gate 3. Quote our order number on your invoice.
Buyer: T. Ngata
== purchase_order de
BESTELLUNG 7100442
Lieferant: Papier Union Nord
Wir bestellen zu den vereinbarten Konditionen: 80 Kartons Kopierpapier A4
Anlieferung bis 11. Juni, Rampe 2. Bitte senden Sie uns eine Auftragsbestätigung.
== purchase_order fr
BON DE COMMANDE n° 2026/55
Fournisseur : Imprimerie Rolland
Veuillez nous livrer 2 000 dépliants, 4 volets, papier 135 g, au prix de 480 € HT
Livraison souhaitée : le 15 juin, à l'accueil de la mairie
== payslip en
Salary advice - April 2026
Employee 1182  R. Okafor  NI code A  Tax code 1257L
Basic pay 2,416.66  Overtime 188.00  Gross 2,604.66
PAYE 311.20  NI 186.40  Pension 130.23
Net payment 1,976.83
== payslip de
Lohnabrechnung März 2026
Mitarbeiter 77  Steuerklasse 3  Kinder 1
Stundenlohn 18,50 x 160  Brutto 2.960,00
Lohnsteuer 121,00  KV 240,10  RV 275,28  AV 38,48
Netto 2.285,14
== payslip it
Busta paga - aprile 2026
Dipendente: Luca Serra  Qualifica: impiegato
Retribuzione lorda 1.850,00  Contributi INPS 170,02  IRPEF 240,00
Netto da pagare 1.439,98
== medical en
Radiology department
Re: Mrs Joan Pike, 61
X-ray left wrist: undisplaced fracture of the distal radius. No dislocation.
Impression: fracture as described. Suggest immobilisation in plaster and clinical review in ten days.
Dr A. Sen, consultant radiologist
== medical de
Augenklinik Rosental - Arztbrief
Wir berichten über Ihren Patienten Herrn Falk, geb. 1951.
Diagnosen: Katarakt beidseits. Therapie: Phakoemulsifikation rechts am 3. Mai, komplikationslos.
Weitere Kontrolle in 14 Tagen erbeten.
== medical fr
Docteur Nadia Klein, médecin généraliste
Ordonnance du 6 mai 2026 pour M. Robert Vial
Amoxicilline 1 g : 1 comprimé matin et soir pendant 6 jours
Paracétamol 500 mg si douleur
== insurance en
Lighthouse Motor Cover
Certificate of motor insurance
Policyholder: D. Amin    Vehicle: AB12 CDE
Cover starts 1 June 2026 and ends 31 May 2027. Excess: 250.
Drivers covered: the policyholder and spouse.
== insurance de
Nordstern Versicherung AG
Versicherungsschein zur Hausratversicherung
Versicherungsnehmerin: Ute Kern   Beginn: 01.07.2026
Versicherungssumme 65.000 Euro, Jahresbeitrag 118,40 Euro
== insurance es
Parte de siniestro
Asegurado: Luis Peña   Póliza 77-1020
El día 4 de mayo una fuga de agua causó daños en el techo del vecino.
Se solicita la visita de un perito.
== research_paper en
Soil Moisture and the Timing of Leaf Fall in Beech
L. Virtanen, R. Costa - Department of Ecology
Abstract
We measured soil moisture at 14 plots over three autumns. Leaf fall began earlier on dry plots (r = -0.61, p < 0.01).
1. Introduction  Previous studies (Hall et al., 2014) disagree about the effect of drought.
== research_paper de
Einfluss von Schichtarbeit auf die Schlafqualität
Zusammenfassung: In dieser Studie wurden 212 Pflegekräfte befragt. Die Ergebnisse zeigen einen signifikanten
Zusammenhang (p < 0,05). Methoden: Querschnittsstudie mit standardisiertem Fragebogen. Literatur: [1] Meier, 2019.
== none en
Chocolate mousse
Melt 200 g dark chocolate over hot water. Beat four egg whites until stiff. Stir the yolks into the chocolate, fold in
the whites and chill for three hours. Top with raspberries.
== none en
Autumn
The maple lets its lanterns go,
one by one upon the stream,
and every light that floats below
is half a leaf and half a dream.
== none en
A weekend in Porto
The train follows the river all the way down. We drank white port on a terrace and watched the rowing boats. On Sunday
it rained, so we hid in the old bookshop and then ate custard tarts until the sun came back.
== none en
How to prune a rose
Wait until the last frost. Cut dead wood away first, then shorten the strong canes by a third, just above a bud that
faces outwards. Clean the blades between plants so that you do not spread disease.
== none en
Volcanoes
A volcano forms where molten rock breaks through the crust. Some erupt quietly for years; others stay silent for
centuries and then throw ash high into the air. The largest known lies beneath a park visited by millions.
== none en
Harriers win derby
A header in stoppage time gave Harriers a 2-1 win over Rangers on Saturday. The visitors had led through an early
penalty, but the hosts pressed and were rewarded in front of a noisy crowd.
== none de
Kartoffelsuppe wie bei Oma
Kartoffeln und Möhren würfeln, mit Zwiebeln anbraten und mit Brühe aufgießen. Zwanzig Minuten kochen lassen, pürieren
und mit Majoran würzen. Dazu passen Würstchen und Bauernbrot.
== none fr
Le vieux phare
Il était une fois un gardien qui comptait les vagues. Chaque soir il allumait la lampe et racontait à la mer les rêves
des marins. Un matin la mer lui répondit.
== none es
Un paseo por la sierra
Salimos al amanecer con las mochilas cargadas de pan y queso. El sendero subía entre encinas, y desde la cumbre se veía
todo el valle cubierto de niebla. Por la tarde nos bañamos en la poza helada.
== none en
Knitting pattern: simple scarf
Cast on 40 stitches. Knit every row until the scarf measures 150 cm. Cast off loosely and weave in the ends. Use wool of
double thickness and needles of 5 mm.
""")
