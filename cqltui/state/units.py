"""Amounts in the unit that leaves a figure to read: nothing that is there shows as zero. Pure."""


def size(size_bytes: float) -> str:
    """Return bytes for people: "1.2 MiB"."""
    return _amount(size_bytes, 1024, ("B", "KiB", "MiB", "GiB", "TiB"))


def flops(number: float) -> str:
    """Return floating-point operations for people: "3.4 GFLOP"."""
    return _amount(number, 1000, ("FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP", "EFLOP"))


def _amount(number: float, step: int, units: tuple[str, ...]) -> str:
    place = 0
    while place + 1 < len(units) and number >= step - 0.5:  # rounded, it would be a whole one of the next unit
        number, place = number / step, place + 1
    return f"{number:,.0f} {units[place]}" if place == 0 or number >= 99.95 else f"{number:.1f} {units[place]}"
