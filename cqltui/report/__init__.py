"""The report of a run: tables, figures and text, made from what its directory holds. Below, `material` is what there is
to tell of, `table` and `figure` say what is shown, and each kind of file has a module that writes it."""
