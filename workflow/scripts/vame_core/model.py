"""The recurrent variational autoencoder of VAME.

Parameter names and shapes are those of VAME's own files, so that state dicts load both ways.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from vame_core.config import NetworkConfig
from vame_core.gru import GRU


class Outputs(NamedTuple):
    reconstruction: Float[Tensor, "batch time feature"]
    future: Float[Tensor, "batch future feature"] | None
    z: Float[Tensor, "batch latent"]
    mu: Float[Tensor, "batch latent"]
    logvar: Float[Tensor, "batch latent"]


class Encoder(nn.Module):
    """Two-layer bidirectional GRU; its output is the final states of all four passes."""

    def __init__(self, network: NetworkConfig, n_features: int) -> None:
        super().__init__()
        self.encoder_rnn = GRU(
            n_features,
            network.hidden_size_layer_1,
            num_layers=2,
            dropout=network.dropout_encoder,
        )

    def forward(
        self, windows: Float[Tensor, "batch time feature"]
    ) -> Float[Tensor, "batch hidden"]:
        _, last = self.encoder_rnn(windows, last_only=True)
        return last.transpose(0, 1).flatten(1)


class Lambda(nn.Module):
    """Mean and log variance of the posterior over the latents."""

    def __init__(self, network: NetworkConfig) -> None:
        super().__init__()
        self.hidden_to_mean = nn.Linear(4 * network.hidden_size_layer_1, network.zdims)
        self.hidden_to_logvar = nn.Linear(4 * network.hidden_size_layer_1, network.zdims)
        self.softplus = network.softplus

    def forward(
        self, hidden: Float[Tensor, "batch hidden"]
    ) -> tuple[Float[Tensor, "batch latent"], Float[Tensor, "batch latent"]]:
        logvar = self.hidden_to_logvar(hidden)
        return self.hidden_to_mean(hidden), F.softplus(logvar) if self.softplus else logvar


class Decoder(nn.Module):
    """One-layer bidirectional GRU with z as input at every step and Linear(z) as initial state."""

    def __init__(
        self, network: NetworkConfig, n_features: int, *, rnn: str, hidden: int, steps: int
    ) -> None:
        super().__init__()
        self.rnn, self.steps, self.mixed_start = rnn, steps, network.mixed_decoder_start
        self.add_module(rnn, GRU(network.zdims, hidden))
        self.latent_to_hidden = nn.Linear(network.zdims, 2 * hidden)
        self.hidden_to_output = nn.Linear(2 * hidden, n_features)

    def forward(self, z: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch steps feature"]:
        batch = z.shape[0]
        start = self.latent_to_hidden(z)
        if self.mixed_start:
            # VAME's view of (batch, 2 hidden) as (2, batch, hidden): sample b starts from the
            # states of samples b // 2 and (batch + b) // 2.
            start = start.view(2, batch, -1)
        else:
            start = start.view(batch, 2, -1).transpose(0, 1).contiguous()
        inputs = z.unsqueeze(1).expand(-1, self.steps, -1)
        states, _ = self.get_submodule(self.rnn)(inputs, start)
        by_step = states.permute(1, 2, 0)  # their order in memory: no copy
        weight = self.hidden_to_output.weight.expand(self.steps, -1, -1)
        outputs = torch.baddbmm(self.hidden_to_output.bias.unsqueeze(1), weight, by_step)
        return outputs.permute(2, 0, 1)


class RNNVAE(nn.Module):
    """VAME's model: encode `time_window` frames to z, decode them, predict the frames that follow.

    In training mode z is sampled from the posterior (Kingma & Welling 2014, section 2.4); in
    evaluation mode z is its mean.
    """

    def __init__(self, network: NetworkConfig, n_features: int) -> None:
        super().__init__()
        self.encoder = Encoder(network, n_features)
        self.lmbda = Lambda(network)
        self.decoder = Decoder(
            network,
            n_features,
            rnn="rnn_rec",
            hidden=network.hidden_size_rec,
            steps=network.time_window,
        )
        if network.prediction_decoder:
            self.decoder_future = Decoder(
                network,
                n_features,
                rnn="rnn_pred",
                hidden=network.hidden_size_pred,
                steps=network.prediction_steps,
            )
        self.network = network

    def encode(
        self, windows: Float[Tensor, "batch time feature"]
    ) -> tuple[Float[Tensor, "batch latent"], Float[Tensor, "batch latent"]]:
        """Return mean and log variance of each window's posterior."""
        return self.lmbda(self.encoder(windows))

    def forward(
        self,
        windows: Float[Tensor, "batch time feature"],
        generator: torch.Generator | None = None,
    ) -> Outputs:
        mu, logvar = self.encode(windows)
        z = reparametrise(mu, logvar, generator) if self.training else mu
        future = self.decoder_future(z) if self.network.prediction_decoder else None
        return Outputs(self.decoder(z), future, z, mu, logvar)


def reparametrise(
    mu: Float[Tensor, "batch latent"],
    logvar: Float[Tensor, "batch latent"],
    generator: torch.Generator | None,
) -> Float[Tensor, "batch latent"]:
    """Sample z = mu + sigma ε with ε ~ N(0, 1)."""
    noise = torch.randn(mu.shape, generator=generator, device=mu.device, dtype=mu.dtype)
    return mu + (0.5 * logvar).exp() * noise
