"""
Colours and type of every picture. The hues are those of Okabe and Ito, told apart by all common
kinds of colour blindness; order, words or dashes say again what colour says.
"""

INK = "#1b2733"
MUTED = "#5a6872"
LINE = "#8d99a3"
GRID = "#dfe5ea"
PAPER = "#ffffff"
PANEL = "#f4f6f8"

BLUE = "#0072b2"
SKY = "#56b4e9"
GREEN = "#009e73"
ORANGE = "#e69f00"
VERMILION = "#d55e00"
PURPLE = "#cc79a7"
GREY = "#c3cbd2"

SANS = "Helvetica,Arial,sans-serif"
MONO = "DejaVu Sans Mono,Menlo,Consolas,monospace"

MIN_TEXT_PX = 9
MAX_WIDTH_PX = 2000


def text_on(colour: str) -> str:
    """Black or white, whichever is easier to read on this background."""
    red, green, blue = (int(colour[i:i + 2], 16) for i in (1, 3, 5))
    return PAPER if red * 299 + green * 587 + blue * 114 < 128_000 else INK
