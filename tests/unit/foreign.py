"""Events as only a stranger on the server, or a bug, could send them."""

from typing import Any

from hypothesis import strategies as st

from cqltui.state.events import Event, Kind
from cqltui.state.model import Status, Wanted

nonsense: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([*Status, *Wanted]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=3)
            | st.sampled_from(
                [
                    *(
                        "info",
                        "life",
                        "progress",
                        "tasks",
                        "workers",
                        "meta",
                        "members",
                        "campaign",
                        "phases",
                        "verdicts",
                    ),
                    *("status", "task", "a", "seq", "epochs", "step", "hidden_dims", "curve", "wanted", "finished_ts"),
                    *("elapsed_s", "epoch_steps", "ts", "queued_ts", "started_ts", "phase", "token", "priority"),
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=25,
)
forms = st.sampled_from(['{"phase":\n}', '{"phase":"p","title":\n}', "\n", "", "{"]) | nonsense
rows = st.lists(
    nonsense
    | st.tuples(
        *(st.sampled_from(["a", "b", "", "../x"]) | nonsense, st.integers(-1, 9) | nonsense, st.integers() | nonsense),
        *(st.floats() | nonsense, st.integers() | nonsense, st.sampled_from("xy") | nonsense),
        st.lists(nonsense, max_size=2) | nonsense,
    ).map(list),
    max_size=3,
)
"""New tasks, as one event tells of many."""
foreign_events = st.builds(
    Event,
    kind=st.sampled_from(Kind),
    ts=st.floats(),
    epoch=st.integers(0, 3),
    seq=st.integers(0, 9),
    task=st.sampled_from(["", "a"]) | st.text(max_size=3),
    worker=st.sampled_from(["", "w1"]),
    data=st.dictionaries(st.sampled_from(["info", "life", "tasks", "workers", "meta", "members", "status"]), nonsense)
    | st.dictionaries(st.text(max_size=3), nonsense, max_size=4)
    | st.fixed_dictionaries(
        {"forms": st.dictionaries(st.sampled_from("xy"), forms) | nonsense, "rows": rows | nonsense}
    ),
)
