"""The methods section of a run: what was done, made from its configuration and from the constants of the code that
ran. `markup` says what it is written in, `bibliography` what it cites."""

from cqltui.report.methods.bibliography import BIBLIOGRAPHY as BIBLIOGRAPHY
from cqltui.report.methods.writing import methods_md as methods_md
from cqltui.report.methods.writing import methods_tex as methods_tex
