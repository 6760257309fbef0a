"""Certificates and private keys in PEM, for whoever shows them in a TLS handshake.

OpenSSL (12 MB) and cryptography come with this module: import it where they are needed.
"""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import Certificate, load_pem_x509_certificates
from OpenSSL import SSL


def certificates(pem: bytes) -> list[Certificate]:
    """All certificates of a file, one at least.

    :raises ValueError: there is none.
    """
    try:
        return load_pem_x509_certificates(pem)
    except ValueError as unusable:
        raise ValueError("no certificate in PEM") from unusable


def use_certificate(context: SSL.Context, pem: bytes) -> None:
    """Show the first certificate of a file, with the others for its chain.

    :raises ValueError: there is none.
    """
    own, *chain = certificates(pem)
    context.use_certificate(own)
    for each in chain:
        context.add_extra_chain_cert(each)


def use_key(context: SSL.Context, pem: bytes, password: bytes | None = None) -> None:
    """The key of the certificate that is shown.

    :raises ValueError: there is no key in it that TLS has a use for, or the password is wrong.
    :raises SSL.Error: it is another certificate's.
    """
    try:
        key = load_pem_private_key(pem, password)
    except TypeError as mismatch:
        if password is None:
            raise ValueError("the private key needs a password") from mismatch
        # A password for a key that needs none.
        key = load_pem_private_key(pem, None)
    except (ValueError, UnsupportedAlgorithm) as unusable:
        raise ValueError("no private key in PEM, or not its password") from unusable
    try:
        context.use_privatekey(key)  # type: ignore[arg-type]
    except TypeError as unusable:
        raise ValueError("a private key of a kind that TLS has no use for") from unusable
    context.check_privatekey()
