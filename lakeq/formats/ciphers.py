"""AES as Parquet uses it: modules of a file that are encrypted one by one (parquet-format, Encryption.md)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from importlib.util import find_spec

from lakeq.errors import ConfigError

KEY_BYTES = (16, 24, 32)
"""How long a key may be."""

_LENGTH, _NONCE, _TAG = 4, 12, 16


class NotDecryptedError(ValueError):
    """The key is another, or the bytes are not those that were encrypted."""


class Module(IntEnum):
    """What may be encrypted by itself, numbered as the format does."""

    FOOTER = 0
    COLUMN_METADATA = 1
    DATA_PAGE = 2
    DICTIONARY_PAGE = 3
    DATA_PAGE_HEADER = 4
    DICTIONARY_PAGE_HEADER = 5


@dataclass(frozen=True, slots=True)
class FileCipher:
    """Decrypts what one key has encrypted in one file. `aad` tells the file from all others; None: its writer
    binds nothing to its place, as DuckDB. `pages_by_ctr`: pages are not authenticated (AES_GCM_CTR_V1)."""

    key: bytes = field(repr=False)
    aad: bytes | None
    pages_by_ctr: bool = False

    def open(self, stored: bytes, module: Module, *place: int) -> bytes:
        """The content of a module, stored with its length; `place` counts row group, column and page.
        NotDecryptedError."""
        ours = None if self.aad is None else self.aad + bytes([module])
        if ours is not None:
            ours += b"".join(number.to_bytes(2, "little", signed=True) for number in place)
        body = stored[_LENGTH:]
        if self.pages_by_ctr and module in (Module.DATA_PAGE, Module.DICTIONARY_PAGE):
            return _open_ctr(self.key, body)
        return open_gcm(self.key, body, ours)

    def is_signed(self, footer: bytes, signature: bytes) -> bool:
        """Whether the nonce and the tag after a plain footer are those that the key makes of it."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        aad = None if self.aad is None else self.aad + bytes([Module.FOOTER])
        made = AESGCM(self.key).encrypt(signature[:_NONCE], footer, aad)
        return made[-_TAG:] == signature[_NONCE:]


SIGNATURE_BYTES = _NONCE + _TAG


def measure_module(data: bytes, at: int) -> int:
    """Where the module that begins at `at` ends. ValueError where that is not in `data`."""
    end = at + _LENGTH + int.from_bytes(data[at : at + _LENGTH], "little")
    if end > len(data) or end < at + _LENGTH + _NONCE:
        raise ValueError("a part of it is cut short")
    return end


def open_gcm(key: bytes, body: bytes, aad: bytes | None) -> bytes:
    """The content of a nonce, what AES-GCM made, and a tag. NotDecryptedError."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(body[:_NONCE], body[_NONCE:], aad)
    except (InvalidTag, ValueError) as error:
        raise NotDecryptedError("not of this key") from error


def _open_ctr(key: bytes, body: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    counter = body[:_NONCE] + b"\x00\x00\x00\x01"
    decryptor = Cipher(algorithms.AES(key), modes.CTR(counter)).decryptor()
    return decryptor.update(body[_NONCE:]) + decryptor.finalize()


def check_installed() -> None:
    """ConfigError where the package that decrypts is missing."""
    if find_spec("cryptography") is None:
        raise ConfigError(
            "Encrypted Parquet is read with the package cryptography: pip install 'lakeq[encryption]'."
        )
