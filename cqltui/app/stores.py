"""Where the files of a run go that do not go through the run directory."""

from pkgutil import resolve_name

from cqltui.app.extras import needed
from cqltui.broker.protocol.queue import Queue
from cqltui.store.base import Store


def open_store(queue: Queue, url: str | None, campaign: str, created_ts: float) -> Store:
    """Return the store of a run; `url`: of objects, for what is too large for the server. Raises InputError.

    Which objects are the run's, its name and the time at which it was made say, in seconds since 1970.
    """
    if url is None:
        return Store(queue)
    needed("fsspec", "s3", "a [store] url")
    return Store(queue, resolve_name("cqltui.store.objects").ObjectPlace(url, f"{campaign}-{int(created_ts)}"))
