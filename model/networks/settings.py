"""The shape of an autoencoder, and what it may not be."""

from dataclasses import dataclass, replace
from typing import Literal

from storage.errors import InputError

Activation = Literal["relu", "gelu", "linear"]


class CodeTooWideError(InputError):
    """The code is wider than data or memory allow: lower it, where it is set."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkSettings:
    """An autoencoder of the gene axis.

    Parameters
    ----------
    code
        Width of the latent code: the rank at which the network is compared with PCA.
    encoder, decoder
        Widths of the hidden layers before and behind the code.
    activation, code_activation
        What hidden layers, and the code, apply to their sums.
    output
        A sigmoid can't reach a negative fold change; the paper has one.
    tied
        The decoder's weights are the encoder's, transposed; biases stay apart.
    skip
        A linear path of rank `code` from genes to code and from code to genes, beside the hidden layers.
    initial
        "random": Glorot uniform. "pca": the linear path starts as the principal components of the observed
        entries, and the hidden layers beside it start by adding nothing.
    input_dropout
        Share of the observed entries that a training step hides from the input (not from the loss). They
        are as if they were missing; without `rescale_missing`, the others are scaled up by 1 / (1 − share)
        the first time the row is encoded.
    fill_passes
        How often the network replaces missing entries by its own reconstruction and encodes again.
    rescale_missing
        Scale the observed entries of a row up to stand for the missing ones, the first time it is encoded.
    compute
        Type in which products are computed. Parameters and sums stay float32.
    """

    code: int = 256
    encoder: tuple[int, ...] = (512,)
    decoder: tuple[int, ...] = (512,)
    activation: Activation = "gelu"
    code_activation: Activation = "linear"
    output: Literal["linear", "sigmoid"] = "linear"
    tied: bool = False
    skip: bool = True
    initial: Literal["random", "pca"] = "pca"
    input_dropout: float = 0.0
    fill_passes: int = 2
    rescale_missing: bool = True
    compute: Literal["float32", "bfloat16"] = "float32"

    def __post_init__(self) -> None:
        for width in (self.code, *self.encoder, *self.decoder):
            if width < 1:
                raise ValueError(f"a layer must have at least 1 unit, got {width}")
        if not 0 <= self.input_dropout < 1:
            raise ValueError(
                f"input_dropout must be at least 0 and below 1, got {self.input_dropout}"
            )
        if self.fill_passes < 0:
            raise ValueError(f"fill_passes must be at least 0, got {self.fill_passes}")
        if self.tied and self.encoder != self.decoder[::-1]:
            raise ValueError(
                f"tied weights need a decoder {self.encoder[::-1]} that mirrors the encoder "
                f"{self.encoder}, got {self.decoder}"
            )
        hidden = bool(self.encoder or self.decoder)
        if self.skip and not hidden:
            raise ValueError("skip needs hidden layers to lead past; give encoder or decoder")
        if self.skip and self.code_activation != "linear":
            raise ValueError(
                f"skip needs code_activation 'linear', got {self.code_activation!r}: the sum of both "
                "paths is the code"
            )
        if self.initial == "pca" and not self.is_linear_at_heart:
            raise ValueError(
                "initial 'pca' needs code_activation and output 'linear', and skip where there are "
                "hidden layers"
            )

    @property
    def is_linear_at_heart(self) -> bool:
        """Whether some weights make the network an orthogonal projection."""
        past_hidden = self.skip or not (self.encoder or self.decoder)
        return past_hidden and self.code_activation == self.output == "linear"


# One linear layer to the code and one back, and nothing else.
LINEAR_NETWORK = NetworkSettings(
    encoder=(), decoder=(), skip=False, initial="random", fill_passes=0, rescale_missing=False
)
PAPER_NETWORK = replace(
    LINEAR_NETWORK, code=2000, activation="relu", code_activation="relu", output="sigmoid"
)


def with_layers(network: NetworkSettings, n_layers: int, units: int) -> NetworkSettings:
    """A network of `n_layers` equal layers with `units` units in all; the middle one is the code."""
    if not 1 <= n_layers <= units:
        raise ValueError(f"{units} units make 1 to {units} layers, got {n_layers}")
    width = units // n_layers
    before = (n_layers - 1) // 2
    return replace(
        network,
        code=width,
        encoder=(width,) * before,
        decoder=(width,) * (n_layers - 1 - before),
        # A single layer has nothing to lead past.
        skip=network.skip and n_layers > 1,
    )
