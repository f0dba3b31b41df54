"""The arguments of RNN_VAE in a model card fit the published VAME."""

import pytest
import torch
from reporting.model_card import vame_arguments
from tiny_models import make_config, make_model
from vame_core.export import export_state_dict


@pytest.mark.parametrize(
    "changes", [{}, {"prediction_decoder": False}, {"softplus": True}], ids=str
)
def test_an_export_loads_into_the_published_model(peer, tmp_path, changes):
    model, path = make_model(**changes), tmp_path / "vame.pkl"
    export_state_dict(model, path)
    arguments = vame_arguments(make_config(**changes).as_settings(), n_features=3)
    theirs = peer.rnn_model.RNN_VAE(**arguments)
    theirs.load_state_dict(torch.load(path, map_location="cpu", weights_only=True), strict=True)
    for name, value in model.state_dict().items():
        assert torch.equal(theirs.state_dict()[name], value), name
