"""SVG by hand: elements, escaped text, and numbers that stay short."""

from html import escape


def number(value: float) -> str:
    """Return a coordinate.

    >>> number(3.0), number(2.345)
    ('3', '2.3')
    """
    return f"{value:.1f}".removesuffix(".0")


def tag(name: str, inside: str = "", /, **attributes: float | str) -> str:
    """Return an element; `_` in a name is `-`, and `class_` is `class`.

    >>> tag("rect", x=1.0, class_="a")
    '<rect x="1" class="a"/>'
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="'
        f'{number(value) if isinstance(value, int | float) else escape(value)}"'
        for key, value in attributes.items()
    )
    return f"<{name}{written}>{inside}</{name}>" if inside else f"<{name}{written}/>"


def text(words: str, x: float, y: float, class_: str = "", anchor: str = "start") -> str:
    """Return a text element."""
    return tag("text", escape(words), x=x, y=y, class_=class_, text_anchor=anchor)


def picture(width: float, height: float, inside: str, label: str) -> str:
    """Return the svg element; `label` is read to who cannot see it."""
    return tag(
        "svg", inside, viewBox=f"0 0 {number(width)} {number(height)}", role="img", aria_label=label
    )


def polyline(points: list[tuple[float, float]], class_: str) -> str:
    """Return a line through points."""
    return tag(
        "polyline", points=" ".join(f"{number(x)},{number(y)}" for x, y in points), class_=class_
    )
