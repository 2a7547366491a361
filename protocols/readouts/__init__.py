"""How labels become a classifier of frozen codes: one readout per file.

A readout is given labelled inputs, unlabelled inputs and a seed, and returns a predictor. It never sees a label that is
not in the sample; only a transductive one sees the inputs it will be scored on, among the unlabelled ones.
"""
