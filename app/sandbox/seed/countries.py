"""Where customers live: names, towns and cards of sixteen countries. Names are common ones put together by chance."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Country:
    """`towns` are (name, postal code with # for a digit and @ for a letter, state); `hours` is the offset from UTC.

    A name `佐藤|Sato` is written in its own letters and mailed in Latin ones. `number_first`: 12 High Street rather than
    Hauptstraße 12. `phone` is a range kept free for films and books, None where there is none.
    """

    code: str
    share: int
    currency: str
    hours: int
    locale: str
    number_first: bool
    phone: str | None
    brands: tuple[tuple[str, int], ...]
    towns: tuple[tuple[str, str, str | None], ...]
    streets: tuple[str, ...]
    first: tuple[str, ...]
    last: tuple[str, ...]
    debits: int = 0
    """Of a hundred customers, so many pay by SEPA debit."""


_AMERICA = (("visa", 48), ("mastercard", 27), ("amex", 14), ("discover", 9), ("diners", 2))
_EUROPE = (("visa", 50), ("mastercard", 45), ("amex", 5))
_COMMONWEALTH = (("visa", 56), ("mastercard", 37), ("amex", 7))
_JAPAN = (("visa", 42), ("jcb", 32), ("mastercard", 17), ("amex", 7), ("diners", 2))
_GULF = (("visa", 60), ("mastercard", 37), ("amex", 3))


def _towns(text: str) -> tuple[tuple[str, str, str | None], ...]:
    """`San Francisco/941##/CA, Berlin/10###`"""
    rows = [row.strip().split("/") for row in text.split(",")]
    return tuple((row[0], row[1], row[2] if len(row) > 2 else None) for row in rows)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip().replace("_", " ") for word in text.split())


COUNTRIES = (
    Country(
        "US", 24, "usd", -6, "en-US", True, "+141555501##", _AMERICA,
        _towns("San Francisco/941##/CA, Portland/972##/OR, Austin/787##/TX, Chicago/606##/IL, Brooklyn/112##/NY, "
               "Denver/802##/CO, Seattle/981##/WA, Boston/021##/MA, Atlanta/303##/GA, Minneapolis/554##/MN"),
        _words("Maple_Street Oak_Avenue Cedar_Lane 2nd_Street Lakeview_Drive Hillcrest_Road Mission_Street Park_Avenue"),
        _words("Olivia Emma Ava Mia Grace Hannah Chloe Nora Liam Noah Ethan Mason Lucas Henry Owen Caleb Jamal Diego"),
        _words("Miller Carter Brooks Reed Hayes Foster Nguyen Garcia Sanders Bennett Coleman Ortiz Murphy Price Walsh"),
    ),
    Country(
        "DE", 13, "eur", 1, "de", False, "+493023125###", _EUROPE,
        _towns("Berlin/10###, Hamburg/20###, München/80###, Köln/50###, Leipzig/04###, Freiburg/79###, Bremen/28###"),
        _words("Hauptstraße Gartenweg Lindenallee Bergstraße Mühlenweg Schillerstraße Am_Markt Rosenstraße"),
        _words("Anna Lena Jule Katharina Sophie Mareike Birgit Jürgen Lukas Jonas Felix Björn Tobias Matthias Timo Aylin"),
        _words("Schmidt Müller Weber Wagner Becker Schäfer Krüger Vogel Lorenz Großmann Jäger Yılmaz Peters Brandt"),
        debits=26,
    ),
    Country(
        "GB", 12, "gbp", 0, "en-GB", True, "+447700900###", _COMMONWEALTH,
        _towns("London/N1 #@@, Manchester/M4 #@@, Leeds/LS6 #@@, Bristol/BS3 #@@, Glasgow/G12 #@@, Cardiff/CF10 #@@"),
        _words("High_Street Church_Road Victoria_Road Station_Road Mill_Lane Queens_Road The_Crescent"),
        _words("Amelia Isla Freya Poppy Charlotte Imogen Aisha Oliver George Harry Alfie Rhys Callum Imran Dylan"),
        _words("Smith Taylor Evans Hughes Patel Clarke Wright Walker Robson Khan Campbell Lloyd Shaw O'Connor"),
    ),
    Country(
        "FR", 8, "eur", 1, "fr", True, "+3319900####", _EUROPE,
        _towns("Paris/750##, Lyon/690##, Nantes/440##, Toulouse/310##, Lille/590##, Bordeaux/330##"),
        _words("rue_de_la_Paix rue_Victor-Hugo avenue_de_la_Gare rue_des_Écoles boulevard_Voltaire rue_du_Moulin"),
        _words("Camille Léa Manon Chloé Inès Élodie Aurélie Lucas Hugo Théo Jérôme Mathis Françoise Benoît"),
        _words("Martin Bernard Dubois Moreau Lefèvre Girard Fontaine Chevalier Rousseau Lemaître Benali Garnier"),
        debits=9,
    ),
    Country(
        "JP", 7, "jpy", 9, "ja", False, None, _JAPAN,
        _towns("東京都新宿区/160-00##, 大阪市北区/530-00##, 京都市左京区/606-00##, 横浜市中区/231-00##, 福岡市中央区/810-00##"),
        _words("本町 中央 桜台 緑が丘 旭町 栄町"),
        _words("陽菜|Hina さくら|Sakura 美咲|Misaki 結衣|Yui 直子|Naoko 蓮|Ren 大輔|Daisuke 翔太|Shota 健|Ken"),
        _words("佐藤|Sato 鈴木|Suzuki 高橋|Takahashi 田中|Tanaka 渡辺|Watanabe 伊藤|Ito 山本|Yamamoto 小林|Kobayashi"),
    ),
    Country(
        "NL", 5, "eur", 1, "nl", False, None, _EUROPE,
        _towns("Amsterdam/10## @@, Utrecht/35## @@, Rotterdam/30## @@, Groningen/97## @@, Eindhoven/56## @@"),
        _words("Dorpsstraat Kerkstraat Molenweg Julianalaan Prinsengracht Schoolstraat"),
        _words("Sanne Femke Lotte Anouk Fleur Noor Daan Sem Bram Thijs Jeroen Ruben"),
        _words("de_Vries Jansen van_den_Berg Bakker Visser Smit Mulder de_Boer Kok van_Dijk"),
        debits=20,
    ),
    Country(
        "ES", 5, "eur", 1, "es", False, None, _EUROPE,
        _towns("Madrid/280##, Barcelona/080##, Valencia/460##, Sevilla/410##, Bilbao/480##"),
        _words("Calle_Mayor Calle_del_Sol Avenida_de_la_Constitución Calle_Cervantes Paseo_Marítimo"),
        _words("Lucía Martina Sofía Paula Carmen Nerea Hugo Daniel Pablo Álvaro Iñaki Adrián"),
        _words("García Fernández López Sánchez Pérez Gómez Núñez Romero Ibáñez Torres Castaño"),
        debits=8,
    ),
    Country(
        "CA", 5, "usd", -5, "en-CA", True, "+1416555010#", _COMMONWEALTH,
        _towns("Toronto/M5V #@#/ON, Montréal/H2X #@#/QC, Vancouver/V6B #@#/BC, Calgary/T2P #@#/AB"),
        _words("Queen_Street Bloor_Street King_Street rue_Sherbrooke Granville_Street"),
        _words("Emily Sophie Abigail Maude Priya Nathan Logan William Étienne Gabriel Mei"),
        _words("Tremblay Roy Singh MacDonald Campbell Gagnon Wong Lavoie Fraser Bouchard"),
    ),
    Country(
        "IT", 5, "eur", 1, "it", False, None, _EUROPE,
        _towns("Milano/201##/MI, Roma/001##/RM, Torino/101##/TO, Bologna/401##/BO, Firenze/501##/FI"),
        _words("Via_Roma Via_Garibaldi Corso_Italia Via_Verdi Piazza_del_Popolo Via_Dante"),
        _words("Giulia Chiara Francesca Martina Elisa Sara Matteo Lorenzo Alessandro Davide Nicolò"),
        _words("Rossi Russo Ferrari Esposito Bianchi Colombo Ricci Marino Greco Gallo"),
        debits=7,
    ),
    Country(
        "AU", 4, "usd", 10, "en-AU", True, None, _COMMONWEALTH,
        _towns("Sydney/20##/NSW, Melbourne/30##/VIC, Brisbane/40##/QLD, Perth/60##/WA"),
        _words("George_Street Beach_Road Wattle_Grove Collins_Street Park_Terrace"),
        _words("Matilda Ruby Zoe Evie Sienna Jack Cooper Lachlan Angus Arjun"),
        _words("Williams Thompson Kelly Nguyen Ryan Mitchell Chan Fraser Anderson"),
    ),
    Country(
        "AT", 3, "eur", 1, "de-AT", False, None, _EUROPE,
        _towns("Wien/10##, Graz/80##, Linz/40##, Salzburg/50##, Innsbruck/60##"),
        _words("Ringstraße Kirchengasse Mozartgasse Dorfplatz Feldweg"),
        _words("Magdalena Theresa Valentina Eva Marlene Florian Maximilian Stefan Georg Christoph"),
        _words("Gruber Huber Bauer Steiner Moser Hofer Berger Eder Fuchs Schwarz"),
        debits=22,
    ),
    Country(
        "KW", 3, "kwd", 3, "ar", True, None, _GULF,
        _towns("Kuwait City/13###, Salmiya/22###, Hawalli/32###, Jahra/01###"),
        _words("Al-Khaleej_Street Salem_Al-Mubarak_Street Beirut_Street Tunis_Street Gulf_Road"),
        _words("Fatima Noura Maryam Dana Hessa Layla Ahmad Khalid Yousef Abdullah Bader Faisal"),
        _words("Al-Mutairi Al-Enezi Al-Rashidi Al-Ajmi Al-Shammari Al-Kandari Al-Azmi"),
    ),
    Country(
        "BE", 2, "eur", 1, "nl-BE", False, None, _EUROPE,
        _towns("Brussel/10##, Antwerpen/20##, Gent/90##, Liège/40##"),
        _words("Stationsstraat Nieuwstraat rue_Neuve Grote_Markt Kapellelaan"),
        _words("Elise Louise Emma Julie Arthur Louis Jules Wout Lars Noémie"),
        _words("Peeters Janssens Maes Jacobs Mertens Dubois Lambert Claes Goossens"),
        debits=15,
    ),
    Country(
        "IE", 2, "eur", 0, "en-IE", True, "+35320911####", _COMMONWEALTH,
        _towns("Dublin/D02 @@##, Cork/T12 @@##, Galway/H91 @@##"),
        _words("Main_Street Patrick_Street Shop_Street Mill_Road Abbey_Street"),
        _words("Saoirse Aoife Niamh Ciara Róisín Conor Cian Oisín Darragh Fionn"),
        _words("Murphy Kelly O'Sullivan Byrne Ryan Doyle McCarthy Gallagher Nolan"),
        debits=4,
    ),
    Country(
        "PL", 1, "eur", 1, "pl", False, None, _EUROPE,
        _towns("Warszawa/00-###, Kraków/30-###, Gdańsk/80-###, Wrocław/50-###"),
        _words("ul._Polna ul._Leśna ul._Słoneczna ul._Krótka ul._Szkolna"),
        _words("Zofia Zuzanna Maja Agnieszka Jan Jakub Michał Paweł Łukasz"),
        _words("Nowak Kowalczyk Wiśniewski Wójcik Zieliński Szymański Dąbrowski"),
    ),
    Country(
        "SE", 1, "eur", 1, "sv", False, None, _EUROPE,
        _towns("Stockholm/11# ##, Göteborg/41# ##, Malmö/21# ##, Uppsala/75# ##"),
        _words("Storgatan Kungsgatan Björkvägen Skolgatan Ringvägen"),
        _words("Alva Astrid Ebba Maja Linnéa Oskar Elias Axel Nils Åsa"),
        _words("Andersson Johansson Nilsson Lindberg Sjöberg Åkesson Öberg Holm"),
    ),
)  # fmt: skip

CURRENCIES = ("usd", "eur", "gbp", "jpy", "kwd")
"""What the shop sells in; a rarer country pays in a bigger neighbour's money."""
