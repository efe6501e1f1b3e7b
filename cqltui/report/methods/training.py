"""How networks were trained: the algorithm with its constants, the settings by phase, and what it ran on."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from cqltui.algorithms.base import Algorithm
from cqltui.campaign.model import Phase
from cqltui.report.groups import setting_words
from cqltui.report.material import Material
from cqltui.report.methods.markup import Equation, Items, Part, Section, code
from cqltui.state.plain import plain
from trainer.config import ADAM_BETAS, ADAM_EPS, NORM_EPS
from trainer.evaluation.choosing import HUBER

MOST_VALUES = 30
"""Of a setting; of more it is told how many there are."""


def training_sections(material: Material) -> Iterator[Section]:
    """Yield how it was trained, with which settings, and on what."""
    algorithms = {task.algorithm.name: task.algorithm for task in material.campaign.tasks}
    for name, algorithm in algorithms.items():
        title = "Training" if len(algorithms) == 1 else f"Training: {name}"
        describe = DESCRIPTIONS.get(name, _undescribed)
        yield Section(title, tuple(describe(algorithm)))
    yield Section("Settings and seeds", tuple(_settings(material)))
    yield Section("Computation", tuple(_computation(material)))


def _undescribed(algorithm: Algorithm) -> Iterator[Part]:
    yield f"The algorithm is {code(algorithm.name)}."


def _cql(algorithm: Algorithm) -> Iterator[Part]:
    first, second = ADAM_BETAS
    yield (
        "Q-networks were trained by conservative Q-learning for discrete actions, CQL($\\mathcal{H}$) [@kumar2020]. "
        "The loss of a batch of logged decisions $(s, a, r, s', d)$, where $d = 1$ if an episode ends, is"
    )
    yield Equation(
        r"L = \frac{1}{B} \sum_{i=1}^{B} \Bigl[ H\bigl(Q(s_i, a_i) - y_i\bigr)"
        r" + \alpha \Bigl( \log \sum_{a} e^{Q(s_i, a)} - Q(s_i, a_i) \Bigr) \Bigr],"
    )
    yield (
        f"with Huber's loss $H$ [@huber1964], which turns from a square to a line at {HUBER:g}, and the weight "
        "$\\alpha$ of the conservative term. The target is that of a deep Q-network [@mnih2015], without a gradient "
        "through it:"
    )
    yield Equation(r"y = r + \gamma (1 - d) \max_{a} Q_{\mathrm{target}}(s', a).")
    yield (
        "The target network is a copy of the network, renewed after a fixed number of steps. As each decision is an "
        "episode of its own, $d = 1$ and $y = r$ in all rows: neither the discount $\\gamma$ nor the target network "
        "has an influence on the weights."
    )
    yield (
        "A network is fully connected. Each hidden layer is a linear map, layer normalization [@ba2016] with "
        f"$\\varepsilon = {_scientific(NORM_EPS)}$, and a rectified linear unit; a linear head has one output an "
        "action. Weights and biases start uniform within $\\pm 1 / \\sqrt{n}$ of a layer with $n$ inputs. The "
        f"optimizer is Adam [@kingma2015] with $\\beta_1 = {first:g}$, $\\beta_2 = {second:g}$ and $\\varepsilon = "
        f"{_scientific(ADAM_EPS)}$, without weight decay; gradients are clipped by their norm first. Each epoch visits "
        "the training rows once in a random order, but for an incomplete last batch."
    )
    yield (
        "With precision `bf16` the large matrix products are those of bfloat16 numbers; weights, normalization, "
        "losses and the optimizer's state are float32 throughout, as everything is with `fp32`. Inputs that are "
        "`standard` are z-scores by mean and standard deviation of the training rows."
    )


DESCRIPTIONS: dict[str, Callable[[Algorithm], Iterator[Part]]] = {"cql": _cql}
"""Algorithm -> what it does, in words and formulas."""


def _settings(material: Material) -> Iterator[Part]:
    yield (
        "Tasks by phase, with the values that each setting has among them. A task is one training run; its seed "
        "decides its first weights and the order of its batches, and its settings and the data decide its result, "
        "whatever trained beside it."
    )
    yield Items(tuple(_phase(phase, material) for phase in material.campaign.phases))
    validation = {task.algorithm.label(task.algorithm.validation) for task in material.campaign.tasks}
    yield (
        f"Losses on the validation rows ({', '.join(sorted(validation))} and its parts) are computed every so many "
        "epochs, as the list says, and after the last one; they have no influence on the "
        f"weights{', but for deciding where a task stops early' if _stops_early(material) else ''}."
    )


def _stops_early(material: Material) -> bool:
    return any(task.trainer.early_stop is not None for task in material.campaign.tasks)


def _phase(phase: Phase, material: Material) -> str:
    algorithm = phase.tasks[0].algorithm
    values = []
    for setting in algorithm.settings:
        each = list(dict.fromkeys(setting_words(getattr(task.trainer, setting.name)) for task in phase.tasks))
        shown = f"{len(each):,} values" if len(each) > MOST_VALUES else ", ".join(each)
        values.append(f"{setting.label} {code(shown)}")
    done = sum(record.final is not None for record in material.of_phase(phase))
    count = len(phase.tasks)
    result = "" if done == count else f", {done:,} of them with a result"
    return f"{code(phase.name)} ({count:,} task{'s' if count != 1 else ''}{result}): {'; '.join(values)}."


def _computation(material: Material) -> Iterator[Part]:
    its, results = material.provenance, [it.result for it in material.records if it.result is not None]
    if results:
        devices = _listed(plain(result.device, 60) for result in results)
        workers = len({result.worker for result in results})
        yield (
            f"{len(results):,} task{'s were' if len(results) != 1 else ' was'} trained by {workers:,} "
            f"worker{'s' if workers != 1 else ''} (devices: {devices}). Tasks of one shape train together on a worker "
            "as a pack; on a CPU a task has the same weights, bit for bit, in any pack."
        )
        yield from _processors([result.cpu for result in results])
    else:
        yield "No task is done yet."
    if its.platform:
        yield f"Platform: {code(its.platform)}."
    if its.versions:
        yield f"Versions: {', '.join(f'{name} {code(version)}' for name, version in sorted(its.versions.items()))}."
    if its.git_commit:
        changed = {True: ", from which files differed", False: ", from which no file differed", None: ""}[its.git_dirty]
        yield f"Git commit: {code(its.git_commit)}{changed}."
    if its.command:
        yield f"Command: {code(' '.join(its.command))}."


def _processors(said: Sequence[str]) -> Iterator[Part]:
    """Say on which kinds of processors tasks were trained: two kinds may round the same sum otherwise."""
    kinds = list(dict.fromkeys(kind for each in said for kind in each.split("; ") if kind))
    if not kinds:
        return
    moved = sum("; " in each for each in said)
    text = f"Processors: {_listed(plain(kind, 80) for kind in kinds)}."
    if len(kinds) > 1:
        text += " Weights are the same bit for bit on one kind of processor only"
        text += f"; {moved:,} task{'s' if moved != 1 else ''} went on on another kind." if moved else "."
    yield text


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(code(text) for text in dict.fromkeys(texts))


def _scientific(value: float) -> str:
    mantissa, exponent = f"{value:e}".split("e")
    factor = f"{float(mantissa):g}"
    return f"10^{{{int(exponent)}}}" if factor == "1" else rf"{factor} \cdot 10^{{{int(exponent)}}}"
