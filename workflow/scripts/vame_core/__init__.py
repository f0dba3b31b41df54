"""The RNN-VAE of VAME: model, losses, annealing, noise, windows, training and checkpoints.

Luxem et al., "Identifying behavioral structure from deep variational embeddings of animal
motion", Communications Biology 5:1267 (2022).
"""
