"""Files that are broken, hostile or merely odd: an error of lakeq or the right answer. `python -m tests.badfiles`."""
