"""What the methods cite, and references.bib."""

from typing import Literal

from msgspec import Struct


class Reference(Struct, frozen=True):
    """A publication."""

    kind: Literal["article", "inproceedings", "book", "misc"]
    authors: tuple[str, ...]
    """Each as `Family, Given`."""
    title: str
    year: int
    place: str
    """Journal, proceedings, or publisher of a book; what it is otherwise."""
    volume: str = ""
    pages: str = ""
    more: bool = False
    """Whether there are more authors than are named."""


REFERENCES = {
    "kumar2020": Reference(
        "inproceedings",
        ("Kumar, Aviral", "Zhou, Aurick", "Tucker, George", "Levine, Sergey"),
        "Conservative Q-Learning for Offline Reinforcement Learning",
        2020,
        "Advances in Neural Information Processing Systems",
        "33",
    ),
    "mnih2015": Reference(
        "article",
        ("Mnih, Volodymyr", "Kavukcuoglu, Koray", "Silver, David"),
        "Human-level control through deep reinforcement learning",
        2015,
        "Nature",
        "518",
        "529--533",
        more=True,
    ),
    "huber1964": Reference(
        "article",
        ("Huber, Peter J.",),
        "Robust Estimation of a Location Parameter",
        1964,
        "The Annals of Mathematical Statistics",
        "35(1)",
        "73--101",
    ),
    "kingma2015": Reference(
        "inproceedings",
        ("Kingma, Diederik P.", "Ba, Jimmy"),
        "Adam: A Method for Stochastic Optimization",
        2015,
        "International Conference on Learning Representations",
    ),
    "ba2016": Reference(
        "misc",
        ("Ba, Jimmy Lei", "Kiros, Jamie Ryan", "Hinton, Geoffrey E."),
        "Layer Normalization",
        2016,
        "arXiv:1607.06450",
    ),
    "lakshminarayanan2017": Reference(
        "inproceedings",
        ("Lakshminarayanan, Balaji", "Pritzel, Alexander", "Blundell, Charles"),
        "Simple and Scalable Predictive Uncertainty Estimation using Deep Ensembles",
        2017,
        "Advances in Neural Information Processing Systems",
        "30",
    ),
    "geifman2017": Reference(
        "inproceedings",
        ("Geifman, Yonatan", "El-Yaniv, Ran"),
        "Selective Classification for Deep Neural Networks",
        2017,
        "Advances in Neural Information Processing Systems",
        "30",
    ),
    "efron1993": Reference(
        "book",
        ("Efron, Bradley", "Tibshirani, Robert J."),
        "An Introduction to the Bootstrap",
        1993,
        "Chapman & Hall",
    ),
    "davison1997": Reference(
        "book",
        ("Davison, Anthony C.", "Hinkley, David V."),
        "Bootstrap Methods and their Application",
        1997,
        "Cambridge University Press",
    ),
    "white2000": Reference(
        "article",
        ("White, Halbert",),
        "A Reality Check for Data Snooping",
        2000,
        "Econometrica",
        "68(5)",
        "1097--1126",
    ),
    "romano2005": Reference(
        "article",
        ("Romano, Joseph P.", "Wolf, Michael"),
        "Stepwise Multiple Testing as Formalized Data Snooping",
        2005,
        "Econometrica",
        "73(4)",
        "1237--1282",
    ),
    "holm1979": Reference(
        "article",
        ("Holm, Sture",),
        "A Simple Sequentially Rejective Multiple Test Procedure",
        1979,
        "Scandinavian Journal of Statistics",
        "6(2)",
        "65--70",
    ),
    "benjamini1995": Reference(
        "article",
        ("Benjamini, Yoav", "Hochberg, Yosef"),
        "Controlling the False Discovery Rate: A Practical and Powerful Approach to Multiple Testing",
        1995,
        "Journal of the Royal Statistical Society, Series B",
        "57(1)",
        "289--300",
    ),
    "wilson1927": Reference(
        "article",
        ("Wilson, Edwin B.",),
        "Probable Inference, the Law of Succession, and Statistical Inference",
        1927,
        "Journal of the American Statistical Association",
        "22(158)",
        "209--212",
    ),
    "delong1988": Reference(
        "article",
        ("DeLong, Elizabeth R.", "DeLong, David M.", "Clarke-Pearson, Daniel L."),
        "Comparing the Areas under Two or More Correlated Receiver Operating Characteristic Curves: A Nonparametric "
        "Approach",
        1988,
        "Biometrics",
        "44(3)",
        "837--845",
    ),
    "kelly1956": Reference(
        "article",
        ("Kelly, John L.",),
        "A New Interpretation of Information Rate",
        1956,
        "Bell System Technical Journal",
        "35(4)",
        "917--926",
    ),
    "horvitz1952": Reference(
        "article",
        ("Horvitz, Daniel G.", "Thompson, Donovan J."),
        "A Generalization of Sampling Without Replacement From a Finite Universe",
        1952,
        "Journal of the American Statistical Association",
        "47(260)",
        "663--685",
    ),
    "swaminathan2015": Reference(
        "inproceedings",
        ("Swaminathan, Adith", "Joachims, Thorsten"),
        "The Self-Normalized Estimator for Counterfactual Learning",
        2015,
        "Advances in Neural Information Processing Systems",
        "28",
    ),
    "dudik2011": Reference(
        "inproceedings",
        ("Dudík, Miroslav", "Langford, John", "Li, Lihong"),
        "Doubly Robust Policy Evaluation and Learning",
        2011,
        "Proceedings of the 28th International Conference on Machine Learning",
        pages="1097--1104",
    ),
    "wang2017": Reference(
        "inproceedings",
        ("Wang, Yu-Xiang", "Agarwal, Alekh", "Dudík, Miroslav"),
        "Optimal and Adaptive Off-policy Evaluation in Contextual Bandits",
        2017,
        "Proceedings of the 34th International Conference on Machine Learning",
        pages="3589--3597",
    ),
    "su2020": Reference(
        "inproceedings",
        ("Su, Yi", "Dimakopoulou, Maria", "Krishnamurthy, Akshay", "Dudík, Miroslav"),
        "Doubly Robust Off-policy Evaluation with Shrinkage",
        2020,
        "Proceedings of the 37th International Conference on Machine Learning",
    ),
}
"""By the key that text cites them with."""

_PLACE = {"article": "journal", "inproceedings": "booktitle", "book": "publisher", "misc": "howpublished"}
_TEX = {"í": r"{\'\i}", "&": r"\&"}


def author_year(key: str) -> str:
    """Return `Kumar et al., 2020`."""
    its = REFERENCES[key]
    names = [author.partition(",")[0] for author in its.authors]
    who = f"{names[0]} et al." if len(names) > 2 or its.more else " and ".join(names)
    return f"{who}, {its.year}"


def reference_line(key: str) -> str:
    """Return the reference for people, on one line."""
    its = REFERENCES[key]
    authors = "; ".join((*its.authors, "and others") if its.more else its.authors)
    place = " ".join(filter(None, (its.place, its.volume)))
    pages = f", {its.pages.replace('--', chr(0x2013))}" if its.pages else ""
    return f"{authors} ({its.year}): {its.title}. {place}{pages}."


def _entry(key: str) -> str:
    its = REFERENCES[key]
    volume, _, number = its.volume.rstrip(")").partition("(")
    authors = " and ".join((*its.authors, "others") if its.more else its.authors)
    fields = {
        "author": authors,
        "title": f"{{{its.title}}}",  # whose capitals stay
        _PLACE[its.kind]: its.place,
        "year": str(its.year),
        "volume": volume,
        "number": number,
        "pages": its.pages,
    }
    lines = [f"  {name} = {{{_bibtex(value)}}}," for name, value in fields.items() if value]
    return "\n".join([f"@{its.kind}{{{key},", *lines, "}"])


def _bibtex(text: str) -> str:
    return "".join(_TEX.get(char, char) for char in text)


BIBLIOGRAPHY = "\n\n".join(map(_entry, REFERENCES)) + "\n"
"""references.bib: everything that a methods section may cite."""
