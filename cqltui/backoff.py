"""How long to wait before what has failed is tried again. Pure."""


def pause_s(failures: int, first_s: float, longest_s: float) -> float:
    """Return the seconds to wait after so many failures in a row, from one on: doubled with each, up to the longest."""
    return min(first_s * 2.0 ** min(failures - 1, 60), longest_s)
