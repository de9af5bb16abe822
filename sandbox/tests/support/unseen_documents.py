"""Documents written after the lexicon was frozen (the second time), to measure the judge on what it was not made for.

Do not tune the lexicon to them: once a phrase is added because of one of these, they measure nothing any more. The
first such set has had that fate; it is `seen_documents`.
"""

from support.documents import documents

UNSEEN = documents("""
== invoice en
Harlow Veterinary Surgery
Account for: Mr D. Price, pet: Biscuit
Consultation 42.00
Dental cleaning under anaesthetic 185.00
VAT at 20% 45.40
Balance to pay 272.40
Invoice HV-5521, issued 11 June 2026. Please pay at reception or online within one week.
== invoice en
NIMBUS HOSTING
Bill to: Quill Media    Bill date: 2026-05-01    Bill no. 99312
Virtual server, large x 3 @ 24.00      72.00
Additional storage 500 GB              10.00
Amount payable                         82.00 USD
Your card on file will not be charged automatically.
== invoice en
Pro forma
Seller: Anatolia Textiles   Buyer: Weaver & Sons
Goods: 40 rolls cotton cloth, unit price EUR 61.00, total EUR 2,440.00
Payment in advance to account TR33 0006 1005 1978 6457 8413 26. Shipment after receipt of funds.
== invoice de
Dr. Ina Vogel, Rechtsanwältin
Kostennote Nr. 44/26
In Sachen Huber ./. Maier berechne ich für meine Tätigkeit:
Geschäftsgebühr 354,00 €  Auslagenpauschale 20,00 €  Umsatzsteuer 71,06 €
Zu zahlender Betrag 445,06 €. Ich bitte um Ausgleich binnen zwei Wochen.
== invoice fr
Garage Central, 4 rue des Lilas
Facture n° 7712   Le 9 juin 2026
Véhicule : Clio, 88 000 km
Vidange et filtre 89,00   Plaquettes avant 120,00
Total hors taxes 209,00   T.V.A. 41,80   Net à payer 250,80 euros
== invoice nl
Hoveniersbedrijf Groenrijk
Rekening / factuur 26-044
Voor u verzorgd: snoeien haag, afvoer groenafval
Uren 9 x 42,50 = 382,50    BTW 21% 80,33
Wij verzoeken u het bedrag van 462,83 over te maken vóór 1 juli.
== receipt en
QUICKMART 0221
Chewing gum 1.10
Sparkling water 0.95
SUBTOTAL 2.05
CASH 5.00
CHANGE 2.95
18/06/26 08:14 Have a nice day!
== receipt en
Donation receipt
River Trust acknowledges with thanks the gift of $250.00 received on 3 March 2026 from Lena Holt.
No goods or services were provided in exchange.
== receipt en
Your payment went through
We charged $14.99 to your Visa ending in 0042 on June 2, 2026 for one month of StreamBox Premium.
Receipt no. SB-88120. Nothing more to do.
== receipt de
Tankstelle Süd   Bon 4711
Super E10 38,2 l   66,43 EUR
Girocard 66,43
Zahlung erfolgt. Wir wünschen gute Fahrt!
== receipt it
Bar Centrale - Scontrino fiscale
Caffè 1,20  Cornetto 1,40
TOTALE EURO 2,60
Pagamento contante 5,00  Resto 2,40
== contract en
AGREEMENT FOR THE SUPPLY OF CLEANING SERVICES
The Supplier shall clean the Premises each weekday. The Customer shall pay the Charges monthly.
Either party may end this agreement by giving one month's notice. Liability is capped at the yearly Charges.
Disputes go to arbitration in Dublin. Executed by the parties on the date below.
== contract en
Loan of artwork
The Lender entrusts to the Borrower the painting "Blue Gate" for exhibition until 30 September.
The Borrower insures the work for its full value, bears all transport costs and returns it in the same condition.
This arrangement is subject to Swiss law. For the Lender: ________ For the Borrower: ________
== contract de
Mietvertrag für Gewerberäume
Vermieter: Hansa Immobilien GmbH, Mieterin: Yoga im Hof UG
§ 1 Mieträume  § 2 Mietzeit  § 3 Miete und Nebenkosten  § 4 Betriebspflicht  § 5 Rückgabe
Mündliche Nebenabreden bestehen nicht.
== contract es
Contrato de compraventa de bicicleta
El vendedor, Raúl Cano, entrega al comprador, Eva Lillo, una bicicleta eléctrica por 900 euros.
Ambos firman el presente documento por duplicado en Sevilla.
== contract fr
Accord de partenariat
Entre l'association Lire et la librairie Page Blanche
Article 1 : objet. Article 2 : engagements des parties. Article 3 : durée et résiliation.
Fait à Nantes, le 5 mai 2026, en deux exemplaires originaux.
== resume en
Yuki Tanaka  -  UX designer  -  yuki@example.com
I design calm interfaces for hospitals and banks.
2021-now   Lead designer at Formwell
2017-2021  Designer at Studio Grid
Studied interaction design at Aalto University
Tools: Figma, Sketch, HTML
== resume en
EMPLOYMENT HISTORY
Forklift driver, Dockside Logistics, Jan 2020 to date
Warehouse operative, Parcelhub, 2016 to 2019
LICENCES: counterbalance, reach truck
REFERENCES available
== resume fr
Léa Moreau, 29 ans, permis B
Comptable
Expériences : 2020-2026 cabinet Audit & Co ; 2018-2020 PME Textile du Nord
Diplômes : DCG 2018   Logiciels : Sage, Excel   Anglais courant
== resume it
Curriculum vitae di Paolo Greco
Nato a Bari il 3 marzo 1990
Esperienze lavorative: cuoco presso Trattoria Sole (2014-2022)
Istruzione: diploma alberghiero   Lingue: inglese, tedesco
== bank_statement en
Harvest Credit Union - member 55019
Share savings, quarter to 30 June 2026
Beginning balance 3,410.00
06/15 Dividend 4.26    06/20 Withdrawal -200.00
Ending balance 3,214.26
== bank_statement en
Statement no. 14     Sort code 20-00-00
Date   Details                 Paid out   Paid in   Balance
02 Jun Brought forward                              88.10
05 Jun Gas company DD           41.00               47.10
30 Jun Wages                              1,600.00  1,647.10
== bank_statement es
Caja Rural del Tajo
Extracto de cuenta corriente - junio 2026
Saldo anterior 640,55
04/06 Recibo luz -58,20    28/06 Nómina +1.420,00
Saldo actual 2.002,35
== bank_statement nl
Rekeningoverzicht mei 2026, NL91 ABNA 0417 1643 00
Beginsaldo 1.010,00
02-05 Huur -850,00     23-05 Salaris +2.100,00
Eindsaldo 2.260,00
== letter en
Dear neighbours,
We are having our roof repaired next week and apologise in advance for the noise. The workmen will start at eight and
finish by four. Please knock if anything bothers you.
Best wishes,
Ravi and Joan at number 9
== letter en
City Library
Mr Leo Hart, 4 Elm Close
Dear Mr Hart
We are sorry to hear that you were unhappy with your last visit. The heating has now been mended, and we hope to
welcome you again soon.
Yours faithfully
N. Obi, Head Librarian
== letter de
Sehr geehrte Damen und Herren,
hiermit kündige ich meine Mitgliedschaft zum nächstmöglichen Zeitpunkt. Bitte bestätigen Sie mir den Eingang dieses
Schreibens.
Mit freundlichen Grüßen
Tobias Renz
== letter it
Egregio dottor Ferri,
La ringrazio per la cortese ospitalità durante il convegno. Spero di poterLa accogliere presto a Bologna.
Con i migliori saluti,
Chiara Conti
== purchase_order en
PURCHASE ORDER 66120
To: Delta Bolts Ltd
Kindly supply: M10 nuts, 5,000 pcs, 0.06 each. Deliver to Plant B by Friday 3 July.
Prices as per your quotation Q-881. Invoice to be sent to accounts@plant.example.
== purchase_order de
Bestellschein
Hiermit bestellen wir bei der Firma Glas Krüger 12 Isolierscheiben nach Aufmaß.
Liefertermin KW 28, frei Baustelle. Kostenstelle 4410. Genehmigt: Adler
== purchase_order nl
Inkooporder 2026-310
Leverancier: Van Rijn Kantoormeubelen
Te leveren: 8 bureaus, 8 stoelen, uiterlijk 20 juni, op de derde verdieping
== payslip en
EARNINGS STATEMENT   Period ending 05/31/2026
Regular 80.00 hrs @ 21.50  1,720.00
Federal withholding 181.00   FICA 131.58   401(k) 86.00
Net pay deposited to checking 1,321.42
== payslip fr
Bulletin de salaire - mai 2026
Salarié : K. Diallo, magasinier   151,67 h
Salaire de base 1 850,00   Cotisations salariales -407,00
Net payé le 31/05 : 1 443,00 euros
== payslip es
Recibo individual de salarios
Trabajador: Óscar Gil   Grupo de cotización 5
Salario base 1.300,00  Plus transporte 80,00
Total a deducir 172,30   Líquido a percibir 1.207,70
== medical en
Clinic letter
Seen today with three weeks of low back pain after lifting. Examination: tender over L4, reflexes normal.
Diagnosis: muscular strain. Plan: physiotherapy, naproxen 250 mg twice daily, review in a month.
GP: Dr Osei
== medical es
Hospital San Telmo - Informe de alta
Paciente: Julia Mora, 44 años. Motivo de ingreso: neumonía.
Tratamiento: antibiótico intravenoso cinco días. Evolución favorable. Revisión en consulta en dos semanas.
== medical de
Laborbefund
Hämoglobin 12,1 g/dl (Norm 12-16)   Leukozyten 11,8 /nl erhöht   CRP 34 mg/l erhöht
Beurteilung: Hinweis auf Entzündung
== insurance en
Notice of claim
Policy HX-2210   Date of accident: 8 May 2026
Our insured reversed into a parked van at the supermarket. Damage to bumper estimated at 900.
Please confirm whether the policy excess applies.
== insurance fr
Assurance habitation - conditions particulières
Souscripteur : Mme Anne Royer    Contrat 5520-88
Garanties : incendie, dégât des eaux, vol    Cotisation annuelle 212 euros    Franchise 150 euros
== insurance nl
Schadeaangifteformulier
Polisnummer 88-120   Verzekeringnemer: B. Mulder
Op 2 juni is bij storm een tak op het dak gevallen. Geschatte schade 1.400 euro.
== research_paper en
Counting Bees with Cheap Microphones
P. Ilić, M. Dube. Proceedings of the 9th Workshop on Field Sensing
We present a classifier for hive sounds. On a corpus of 3,100 recordings it reaches an F1 score of 0.88, compared with
0.79 for the best earlier system [4]. Code and data are available. 1 Introduction
== research_paper es
Calidad del aire y asma infantil en tres ciudades
Resumen. Se analizaron 540 historias clínicas. Los resultados muestran una asociación significativa (p < 0,01).
Palabras clave: asma, ozono. 1. Introducción. Estudios anteriores (Pérez y Soto, 2018) sugieren...
== research_paper fr
Mémoire épisodique et vieillissement : une étude longitudinale
Résumé - Nous avons suivi 96 volontaires pendant huit ans. Les analyses de régression indiquent un déclin modéré.
Mots-clés : mémoire, vieillissement. Introduction [1, 2].
== none en
Banana bread
Mash three ripe bananas with a fork. Mix in melted butter, sugar and an egg. Sprinkle over baking soda, add flour, pour
into a tin and bake for an hour.
== none en
Night train
Somewhere past midnight the windows turn to mirrors,
and every face that rides with me
is only mine, and older.
== none en
Hiking the coast path: day four
My boots finally dried. From the headland you can see both lighthouses, and a seal followed us along the bay. We camped
behind the dunes and ate noodles while the tide went out.
== none en
Why is the sky blue?
Sunlight is a mixture of colours. Air molecules scatter short waves much more than long ones, so blue light reaches our
eyes from every direction, while red light travels straight on.
== none en
Sourdough club, chapter two
"You can't just leave," whispered Ada. The oven ticked. Outside, the first delivery vans coughed into life, and Tom
looked at the dough as if it might answer for him.
== none en
Mayor opens new bridge
Hundreds lined the river on Sunday as the mayor cut the ribbon on the long delayed footbridge. Local shopkeepers said
they hoped it would bring visitors to the east bank.
== none de
Ein Wochenende an der Mosel
Am Samstag wanderten wir durch die Weinberge hinauf zur Burg. Oben gab es Flammkuchen, unten zog ein Schiff vorbei.
Am Sonntag regnete es, also blieben wir im Café.
== none it
Risotto ai funghi
Far rosolare la cipolla nel burro, tostare il riso, sfumare con il vino bianco e aggiungere il brodo poco alla volta.
Mantecare con parmigiano e servire subito.
== none nl
De vos en de maan
Er was eens een vos die elke nacht naar de maan keek. Hij dacht dat het een kaas was en sprong in de vijver om hem te
pakken. De kikkers lachten tot de ochtend.
== none en
Chess opening notes
After 1. e4 c5 White usually plays the knight to f3. Black can answer with d6 and later fianchetto the bishop. Beware of
the early queen sortie, which looks strong and loses time.
""")
