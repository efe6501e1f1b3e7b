"""The report as one page of HTML, which loads nothing: what it says, in which order, and how it looks."""
