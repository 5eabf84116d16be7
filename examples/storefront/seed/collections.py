"""The twenty collections; each has one drawing style and four colours."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Series:
    """A collection and the colours it is made in. Its place in the tuple is its style."""

    name: str
    colours: tuple[str, str, str, str]
    story: str
    story_de: str


SERIES = (
    Series(
        "Solvi",
        ("ochre", "chalk", "moss", "ink"),
        "Solvi began as a sketch of sunlight on a kitchen wall.",
        "Solvi begann als Skizze von Sonnenlicht an einer Küchenwand.",
    ),
    Series(
        "Marea",
        ("lagoon", "chalk", "blush", "ink"),
        "Marea carries the line that high tide leaves on a harbour wall.",
        "Marea trägt die Linie, die das Hochwasser an der Hafenmauer lässt.",
    ),
    Series(
        "Tindra",
        ("oat", "rust", "sage", "slate"),
        "Tindra is speckled like eggs found under a hedge.",
        "Tindra ist gesprenkelt wie Eier, die man unter einer Hecke findet.",
    ),
    Series(
        "Halm",
        ("ochre", "oat", "terracotta", "moss"),
        "Halm takes its rings from fields seen from a train in August.",
        "Halm hat seine Ringe von Feldern, im August vom Zug aus gesehen.",
    ),
    Series(
        "Okarina",
        ("terracotta", "plum", "sage", "chalk"),
        "Okarina is a whole fired tune: round, warm, a little playful.",
        "Okarina ist eine gebrannte Melodie: rund, warm, etwas verspielt.",
    ),
    Series(
        "Brisa",
        ("sage", "chalk", "lagoon", "blush"),
        "Brisa is for open windows.",
        "Brisa ist für offene Fenster.",
    ),
    Series(
        "Nima",
        ("blush", "plum", "oat", "ink"),
        "Nima is dipped by hand, and no two edges are level.",
        "Nima wird von Hand getaucht, und keine zwei Kanten sind gleich.",
    ),
    Series(
        "Korn",
        ("oat", "rust", "ochre", "slate"),
        "Korn keeps the grit of the clay it is made of.",
        "Korn behält die Körnung des Tons, aus dem es ist.",
    ),
    Series(
        "Vesper",
        ("ink", "plum", "slate", "ochre"),
        "Vesper belongs to the hour when the lamps are lit.",
        "Vesper gehört zur Stunde, in der die Lampen angehen.",
    ),
    Series(
        "Dune",
        ("oat", "terracotta", "blush", "lagoon"),
        "Dune draws what wind draws on sand.",
        "Dune zeichnet, was Wind in Sand zeichnet.",
    ),
    Series(
        "Alba",
        ("chalk", "blush", "sage", "lagoon"),
        "Alba is the quiet hour before anyone is up.",
        "Alba ist die stille Stunde, bevor jemand wach ist.",
    ),
    Series(
        "Terrazza",
        ("terracotta", "moss", "chalk", "ochre"),
        "Terrazza wants to be outside as long as the evening lasts.",
        "Terrazza will draußen sein, solange der Abend währt.",
    ),
    Series(
        "Pavo",
        ("lagoon", "ink", "moss", "plum"),
        "Pavo looks plain from afar and is not.",
        "Pavo wirkt von weitem schlicht und ist es nicht.",
    ),
    Series(
        "Rune",
        ("slate", "rust", "chalk", "moss"),
        "Rune counts its lines, seven to a piece.",
        "Rune zählt seine Linien, sieben auf jedem Stück.",
    ),
    Series(
        "Yarrow",
        ("sage", "ochre", "blush", "rust"),
        "Yarrow grows by the path to our workshop.",
        "Yarrow, die Schafgarbe, wächst am Weg zu unserer Werkstatt.",
    ),
    Series(
        "Lund",
        ("moss", "oat", "slate", "terracotta"),
        "Lund is a grove: straight, calm, a little shade.",
        "Lund ist ein Hain: gerade, ruhig, etwas Schatten.",
    ),
    Series(
        "Ember",
        ("rust", "ochre", "plum", "chalk"),
        "Ember is glazed twice, and glows where the coats meet.",
        "Ember wird zweimal glasiert und glüht, wo sich die Schichten treffen.",
    ),
    Series(
        "Juno",
        ("plum", "blush", "lagoon", "oat"),
        "Juno is scattered like seed from an open hand.",
        "Juno ist gestreut wie Saat aus der offenen Hand.",
    ),
    Series(
        "Sable",
        ("ink", "slate", "rust", "sage"),
        "Sable is drawn with the finest brush we have.",
        "Sable ist mit unserem feinsten Pinsel gezogen.",
    ),
    Series(
        "Mira",
        ("ochre", "lagoon", "terracotta", "plum"),
        "Mira repeats one small arch until it becomes a horizon.",
        "Mira wiederholt einen kleinen Bogen, bis er ein Horizont wird.",
    ),
)
