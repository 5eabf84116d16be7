"""What reviews are put together from: headline and text by stars, in both languages."""

AUTHORS = (
    "Amrei", "Bastian", "Clara", "Dorothea", "Elif", "Femke", "Gustav", "Hanna", "Ilias", "Jonna",
    "Kaya", "Leander", "Mathilde", "Nils", "Orla", "Paula", "Quirin", "Rosa", "Sanne", "Theo",
    "Ulla", "Viktor", "Wanda", "Yusuf", "Zoë", "Ben", "Maeve", "Oscar", "Priya", "Tom",
)  # fmt: skip

OPINIONS: dict[str, dict[int, tuple[tuple[str, str], ...]]] = {
    "en": {
        5: (
            (
                "Even better in the hand",
                "The colour is warmer than on the picture, and it feels made by somebody.",
            ),
            (
                "Bought one, then three more",
                "It took a week until the rest of the household wanted their own.",
            ),
            ("Our evenings changed", "Small thing, large difference. It was well packed too."),
            (
                "Exactly right",
                "I had looked for this for a year. It looks as if it had always been here.",
            ),
        ),
        4: (
            (
                "Lovely, a little smaller than I thought",
                "Check the measures. Apart from that I would buy it again.",
            ),
            ("Beautiful work", "One day late, but the driver rang and the piece is faultless."),
            ("Good and solid", "Heavier than it looks, which I like."),
        ),
        3: (
            ("Nice, not a must", "Well made. The shade was a bit darker than I had expected."),
            ("Does what it should", "No complaints, no wonder either."),
        ),
        2: (
            (
                "Not for our room",
                "Quality is fine, the colour clashes with our floor. Return went smoothly.",
            ),
        ),
        1: (
            (
                "Arrived chipped",
                "A new one came within three days without any questions, still a pity.",
            ),
        ),
    },
    "de": {
        5: (
            (
                "In der Hand noch schöner",
                "Die Farbe ist wärmer als auf dem Bild, und man spürt, dass jemand es gemacht hat.",
            ),
            ("Erst eins, dann drei weitere", "Nach einer Woche wollten alle im Haus ein eigenes."),
            ("Unsere Abende sind andere", "Kleine Sache, große Wirkung. Gut verpackt war es auch."),
            (
                "Genau richtig",
                "Ein Jahr lang gesucht. Es sieht aus, als hätte es immer hier gestanden.",
            ),
        ),
        4: (
            (
                "Schön, etwas kleiner als gedacht",
                "Maße beachten. Sonst würde ich es sofort wieder kaufen.",
            ),
            (
                "Feine Arbeit",
                "Kam einen Tag später, doch der Fahrer rief an, und das Stück ist makellos.",
            ),
            ("Gut und stabil", "Schwerer, als es aussieht. Das gefällt mir."),
        ),
        3: (
            ("Nett, aber kein Muss", "Gut gemacht. Der Ton ist etwas dunkler, als ich dachte."),
            ("Tut, was es soll", "Nichts zu klagen, nichts zu staunen."),
        ),
        2: (
            (
                "Nicht für unser Zimmer",
                "Qualität gut, die Farbe beißt sich mit dem Boden. Rückgabe ging leicht.",
            ),
        ),
        1: (("Kam mit Macke an", "Ersatz war in drei Tagen da, ohne Fragen. Schade trotzdem."),),
    },
}
