"""How the reducer counts very many tasks, and holds some of them. Pure.

Each task is held, or counted among those that are alike. It is counted as it was when it was told last; what changes
one that is not held tells what it was before.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from cqltui.state import decode
from cqltui.state.counting import Counting, alike_key
from cqltui.state.draft import Draft, merged, read
from cqltui.state.events import Event
from cqltui.state.model import Alike, Lifecycle, RunState, Status, TaskInfo
from cqltui.state.page import Page
from cqltui.state.untouched import Untouched

_STATUSES = frozenset(map(str, Status))


def summarized(state: RunState, event: Event) -> RunState:
    """Take how many tasks there are of what, {groups: [{info, status, priority, count}]}, if none is known yet: a whole
    reading follows, which takes long."""
    if state.tasks:
        return state
    counting = Counting()
    for some in _groups(event.data.get("groups")):
        counting.add_alike(some.info, some.status, some.priority, some.number)
    return replace(state, counted=replace(counting.finished(state.tasks), summed=True))


def begin(draft: Draft, event: Event, page: Page) -> None:
    """Take how many tasks there are of what, and some of them: {groups, changed: {id: ...}, tasks: {id: ...}}.

    `changed` are in no group; `tasks` are as they were counted, or have a change before them that is still to be told.
    """
    draft.begin(page)
    for some in _groups(event.data.get("groups")):
        draft.put_alike(some.info, some.status, some.priority, some.number)
    for task_id, raw in decode.items(event.data.get("changed")):
        if (task := read(None, task_id, raw, event.epoch)) is not None:
            draft.put_task(task)
    _hold(draft, event)


def turn(draft: Draft, event: Event) -> None:
    """Take other tasks of those that are not held, {page, tasks: {id: ...}, gone: [id]}."""
    page = event.data.get("page")
    if draft.state.page is None or not isinstance(page, Page):
        return
    draft.state = replace(draft.state, page=page)
    _hold(draft, event)
    draft.let_go(frozenset(event.data.get("gone", ())))


def _hold(draft: Draft, event: Event) -> None:
    for task_id, raw in decode.items(event.data.get("tasks")):
        known = draft.tasks.get(task_id)
        task = read(known, task_id, raw, event.epoch)
        if task is not None and known is None:
            draft.hold(task, task.life.status, task.life.priority)
        elif task is not None:
            draft.put_task(task)


def change(draft: Draft, event: Event, info: TaskInfo | None, life: Lifecycle | None) -> None:
    """Take what has happened to a task that is not held: from now on it is. Where it is not told what it is, or was,
    nothing can be counted: a reader that notices begins anew."""
    was = event.data.get("was")
    if info is None or life is None or not isinstance(was, str):
        return
    task = merged(None, event.task, info, life, None, life.version)
    if not was:
        draft.put_task(task)
        return
    status, priority, *_ = [*was.split(" "), ""]
    if status in _STATUSES:
        draft.hold(task, Status(status), decode.number({"": _number(priority)}, ""))


def _number(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return None


def add(draft: Draft, tasks: Iterable[tuple[str, Untouched]]) -> None:
    """Count new tasks, hundreds at once, without holding them."""
    found: Counter[tuple[object, ...]] = Counter()
    some: dict[tuple[object, ...], tuple[TaskInfo, float]] = {}
    for task_id, told in tasks:
        if task_id in draft.tasks:
            draft.put_untouched(task_id, told)
        elif (info := told.info) is not None and decode.NAME.fullmatch(task_id):
            key = alike_key(info, Status.QUEUED, told.life.priority)
            some.setdefault(key, (info, told.life.priority))
            found[key] += 1
    for key, number in found.items():
        info, priority = some[key]
        draft.put_alike(info, Status.QUEUED, priority, number)


def _groups(told: object) -> Iterator[Alike]:
    for group in decode.dicts(told):
        info, status = decode.task_info("", group.get("info")), decode.text(group, "status")
        if info is not None and status in _STATUSES:
            number = max(0, decode.whole(group, "count"))
            yield Alike(info, Status(status), decode.number(group, "priority"), number)
