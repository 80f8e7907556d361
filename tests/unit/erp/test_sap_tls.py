"""Promises about trust: a connection's own certificate is enough, and nothing less is (SAP dossier, section 3.7)."""

import asyncio
import ipaddress
import ssl
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ml_connector.domain.errors import SignInFailed, Unavailable
from ml_connector.erp.registry import Tools
from ml_connector.erp.sap_business_one.connector import connect
from tests.support.clock import NOON, FakeClock
from tests.support.sap import SECRETS, SETTINGS


def self_signed(folder: Path, address: str) -> Path:
    """A certificate as SAP installs one by default: signed by itself, for ``address``; key and certificate in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sap")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOON - timedelta(days=3650))
        .not_valid_after(NOON + timedelta(days=3650))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / f"{address}.pem"
    file.write_bytes(certificate.public_bytes(pem) + private)
    return file


def certificate_of(file: Path) -> str:
    return file.read_text().partition("-----BEGIN PRIVATE KEY-----")[0]


async def sign_in(server_certificate: Path, trusted: str) -> None:
    """Sign in to a TLS server that knows no Service Layer: who gets that far has trusted it."""

    async def not_found(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server_certificate)
    server = await asyncio.start_server(not_found, "127.0.0.1", 0, ssl=context)
    try:
        port = server.sockets[0].getsockname()[1]
        settings = {**SETTINGS, "base_url": f"https://127.0.0.1:{port}/b1s/v2", "ca_pem": trusted}
        await connect(settings, SECRETS, Tools(FakeClock(), Random(1)))
    finally:
        server.close()


def test_a_self_signed_server_is_reached_once_its_certificate_is_given(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path, "127.0.0.1")

    with pytest.raises(SignInFailed, match="Check the address"):
        asyncio.run(sign_in(certificate, certificate_of(certificate)))


def test_without_it_not_a_byte_of_the_sign_in_leaves(tmp_path: Path) -> None:
    with pytest.raises(
        Unavailable, match=r"not trusted here \(self.signed certificate\).*give the connection the authority"
    ):
        asyncio.run(sign_in(self_signed(tmp_path, "127.0.0.1"), ""))


def test_another_certificate_or_another_name_is_not_enough(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = certificate_of(self_signed(tmp_path / "other", "127.0.0.1"))
    elsewhere = self_signed(tmp_path, "127.0.0.9")

    with pytest.raises(Unavailable):
        asyncio.run(sign_in(self_signed(tmp_path, "127.0.0.1"), other))
    with pytest.raises(Unavailable):
        asyncio.run(sign_in(elsewhere, certificate_of(elsewhere)))
