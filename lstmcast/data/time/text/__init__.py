"""Times as text: formats, names, parsing, and the inference of formats."""
