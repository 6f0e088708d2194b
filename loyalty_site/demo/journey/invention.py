"""Invented people and places: Italian to the ear, and nobody's. The same id always gets the same invention.

Family names are made of two words. Mail goes to a domain that cannot exist (RFC 2606). Phone numbers begin
with +39 300, which Italy's numbering plan gives to nobody.
"""

import random
from dataclasses import dataclass

MAIL_DOMAIN = "clienti.example"


def _words(text: str) -> list[str]:
    return text.split()


GIVEN_NAMES = _words(
    """
    Ada Adele Agata Agnese Alba Alda Alessia Alice Amelia Angela Anita Anna Arianna Aurora Azzurra
    Bianca Bice Bruna Camilla Carla Carlotta Cecilia Celeste Chiara Clara Clelia Cinzia Daria Delia
    Diana Dora Elda Elena Elisa Emma Enrica Eva Fiamma Flora Franca Gaia Gemma Ginevra Gioia Giulia
    Giuditta Ilaria Irene Iris Isotta Lara Laura Lavinia Lea Letizia Lia Lidia Livia Lorena Luce Lucia
    Luisa Maddalena Mara Margherita Marina Marta Matilde Mia Milena Mirella Nadia Nina Noemi Nora Olga
    Olivia Ottavia Paola Perla Petra Rita Rosa Sara Serena Silvia Sofia Stella Susanna Tea Teresa Tosca
    Vera Viola Virginia Vittoria Zoe Achille Adamo Adriano Agostino Alberto Aldo Alessio Alfio Amedeo
    Andrea Angelo Antonio Arturo Attilio Augusto Aurelio Bruno Carlo Cesare Corrado Cosimo Dante Dario
    Davide Diego Dino Donato Edoardo Elia Elio Emilio Ennio Enrico Enzo Ettore Fabio Fausto Federico
    Felice Filippo Flavio Franco Furio Gino Giacomo Giorgio Giulio Guido Iacopo Igor Ivo Lapo Leo
    Leonardo Lino Livio Lorenzo Luca Lucio Luigi Manlio Marco Mario Martino Massimo Matteo Mattia Mauro
    Michele Milo Mirko Nello Nico Nino Orlando Oscar Osvaldo Otello Paolo Pietro Primo Raul Remo Renato
    Renzo Riccardo Rino Rocco Romeo Samuele Sandro Saverio Sergio Silvio Simone Stefano Tito Tommaso Ugo
    Umberto Valerio Vasco Vito Walter Zeno
    """
)
FIRST_WORDS = _words(
    """
    Bosco Campo Castel Cielo Colle Fiore Fiume Fondo Lago Mare Monte Orto Pane Passo Piano Pino Poggio
    Ponte Porto Pozzo Prato Rovere Sale Sasso Sole Vento
    """
)
SECOND_WORDS = _words(
    """
    alto antico bello breve buono cheto chiaro curvo dolce fermo fiero fino fresco gaio grande lento
    lieto lieve limpido lungo mite nobile nuovo ovale puro quieto raro saldo sereno tenue tondo vago
    verde vero vispo vivo
    """
)
STREETS = (
    "Via dell'Esempio",
    "Via Inventata",
    "Via della Prova",
    "Viale del Campione",
    "Corso Immaginario",
    "Piazza del Modello",
    "Via della Dimostrazione",
    "Largo Finto",
)


@dataclass(frozen=True)
class City:
    name: str
    region: str
    postcode: str
    weight: int

    @property
    def area(self) -> str:
        """Return the part of the country, in which the chain groups its stores."""
        if self.region in CENTRE:
            return "Centro"
        return "Sud e isole" if self.region in SOUTH else "Nord"


CENTRE = {"Lazio", "Marche", "Toscana", "Umbria"}
SOUTH = {"Abruzzo", "Campania", "Puglia", "Sardegna", "Sicilia"}
CITIES = [
    City("Milano", "Lombardia", "20121", 16),
    City("Roma", "Lazio", "00184", 14),
    City("Torino", "Piemonte", "10121", 9),
    City("Napoli", "Campania", "80133", 8),
    City("Bologna", "Emilia-Romagna", "40121", 7),
    City("Firenze", "Toscana", "50122", 6),
    City("Verona", "Veneto", "37121", 5),
    City("Genova", "Liguria", "16121", 5),
    City("Bari", "Puglia", "70121", 4),
    City("Palermo", "Sicilia", "90133", 4),
    City("Padova", "Veneto", "35121", 4),
    City("Brescia", "Lombardia", "25121", 4),
    City("Modena", "Emilia-Romagna", "41121", 3),
    City("Perugia", "Umbria", "06121", 3),
    City("Ancona", "Marche", "60121", 2),
    City("Trieste", "Friuli-Venezia Giulia", "34121", 2),
    City("Cagliari", "Sardegna", "09124", 2),
    City("Pescara", "Abruzzo", "65121", 2),
]


@dataclass(frozen=True)
class Person:
    """An invented person; `email` and `phone` are empty where the household gave none."""

    first_name: str
    last_name: str
    email: str
    phone: str
    loyalty_card: str
    street: str


def chance(kind: str, number: int) -> random.Random:
    """Return the dice of one invention; the same kind and number always throw the same."""
    return random.Random(f"{kind}:{number}")


def invent_person(household: int) -> Person:
    dice = chance("household", household)
    first_name = dice.choice(GIVEN_NAMES)
    last_name = dice.choice(FIRST_WORDS) + dice.choice(SECOND_WORDS)
    address = f"{first_name}.{last_name}.{household}@{MAIL_DOMAIN}".lower()
    return Person(
        first_name=first_name,
        last_name=last_name,
        email=address if dice.random() < 0.92 else "",
        phone=f"+39300{household:07d}" if dice.random() < 0.80 else "",
        loyalty_card=loyalty_card(household),
        street=f"{dice.choice(STREETS)} {household}",  # No two households share a letter box.
    )


def loyalty_card(household: int) -> str:
    """Return an EAN-13 of the range 29, which every shop uses for itself, with its check digit."""
    digits = f"29{household:010d}"
    weighted = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return f"{digits}{-weighted % 10}"


def invent_city(store: int) -> City:
    return chance("store", store).choices(CITIES, weights=[city.weight for city in CITIES])[0]
