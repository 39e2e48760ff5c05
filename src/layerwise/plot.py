"""Figures for papers and notebooks, drawn by matplotlib.

>>> import layerwise as lw
>>> data = lw.load("iris")
>>> result = lw.fit(lw.MLP([8]), data, epochs=2, engine="eager")
>>> ax = lw.plot.confusion(lw.inspect(result.network, data))
>>> ax.get_xlabel()
'predicted class'

Each function takes a finished record, computes nothing, and returns what it drew on:
the axes given as ``ax``, or those of a new figure (``ax.figure.savefig("name.pdf")``).
Those of several panels with axes of their own take ``figure``, which may be a part of
one (`matplotlib.figure.SubFigure`), and return it.
`docs/plots.md` shows each.
"""

from layerwise.presentation import figures

__all__ = [
    "components",
    "confusion",
    "epochs",
    "health",
    "inputs",
    "layers",
    "measures",
    "mistakes",
    "pairs",
    "phases",
    "probes",
    "regions",
    "reliability",
    "samples",
    "similarity",
    "suspects",
    "training",
]

layers = figures.layer_projections
probes = figures.probe_by_layer
measures = figures.measures_by_layer
pairs = figures.pairs_by_layer
epochs = figures.epoch_planes
similarity = figures.layer_similarity
confusion = figures.confusion_matrix
mistakes = figures.worst_mistakes
reliability = figures.reliability
suspects = figures.suspect_labels
regions = figures.decision_regions
phases = figures.phase_diagram
training = figures.training_curves
health = figures.health_over_time
samples = figures.sample_sheet
components = figures.component_images
inputs = figures.projection
