"""Where a bucket is asked: settings, styles, and the region that the bucket itself tells."""

from __future__ import annotations

import datetime
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from lakeq.errors import ConfigError, StorageUnavailableError
from lakeq.storage.credentials import find_s3_access
from lakeq.storage.endpoints import S3Settings, find_endpoint
from lakeq.storage.options import parse_options
from lakeq.storage.stores import open_store
from tests.servers import ScriptedServer, free_port, reply, run_scripted_server

LISTING = (
    b'<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    b"<Name>lake</Name><IsTruncated>false</IsTruncated><Contents><Key>t/%s</Key><Size>4</Size>"
    b"<ETag>&quot;v1&quot;</ETag><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
    b"</ListBucketResult>"
)
BODY = reply(
    206,
    b"body",
    headers={
        "ETag": '"v1"',
        "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT",
        "Content-Range": "bytes 0-3/4",
    },
)


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An AWS configuration that says nothing yet: the path of its config file."""
    for name in ("PROFILE", "REGION", "DEFAULT_REGION", "CA_BUNDLE", "ENDPOINT_URL", "ENDPOINT_URL_S3"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return tmp_path / "config"


def settings_of(**options: Any) -> S3Settings:
    return find_s3_access("s3://b", parse_options(options)).settings


def url_of(bucket: str, settings: S3Settings) -> str:
    return find_endpoint(bucket, settings, timeout=1).url


@pytest.mark.parametrize(
    ("bucket", "style", "endpoint_url", "url"),
    [
        ("lake", "auto", None, "https://lake.s3.eu-west-1.amazonaws.com"),
        ("lake", "virtual", None, "https://lake.s3.eu-west-1.amazonaws.com"),
        ("lake", "path", None, "https://s3.eu-west-1.amazonaws.com/lake"),
        ("my.lake", "auto", None, "https://s3.eu-west-1.amazonaws.com/my.lake"),
        ("Old_Lake", "auto", None, "https://s3.eu-west-1.amazonaws.com/Old_Lake"),
        ("lake", "auto", "https://s3.amazonaws.com", "https://lake.s3.amazonaws.com"),
        ("lake", "auto", "https://minio.example:9000/", "https://minio.example:9000/lake"),
        ("lake", "virtual", "https://ceph.example:9000", "https://lake.ceph.example:9000"),
        ("lake", "auto", "http://127.0.0.1:1", "http://127.0.0.1:1/lake"),
        ("lake", "auto", "https://s3.evil.com", "https://s3.evil.com/lake"),
        (
            "lake",
            "auto",
            "https://bucket.vpce-1.s3.eu-west-1.vpce.amazonaws.com",
            "https://bucket.vpce-1.s3.eu-west-1.vpce.amazonaws.com/lake",
        ),
    ],
)
def test_the_style_puts_the_bucket_into_host_or_path(
    bucket: str, style: str, endpoint_url: str | None, url: str
) -> None:
    assert url_of(bucket, S3Settings("eu-west-1", endpoint_url, style)) == url


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        (S3Settings("cn-north-1"), "https://b12.s3.cn-north-1.amazonaws.com.cn"),
        (S3Settings("us-gov-west-1"), "https://b12.s3.us-gov-west-1.amazonaws.com"),
        (S3Settings("xx-new-1"), "https://b12.s3.xx-new-1.amazonaws.com"),
        (S3Settings("us-east-1", dualstack=True), "https://b12.s3.dualstack.us-east-1.amazonaws.com"),
        (S3Settings("us-east-1", fips=True), "https://b12.s3-fips.us-east-1.amazonaws.com"),
    ],
)
def test_each_region_has_its_server(settings: S3Settings, url: str) -> None:
    assert url_of("b12", settings) == url


def test_a_region_that_is_none_never_becomes_a_host() -> None:
    with pytest.raises(ConfigError, match="Not an AWS region"):
        find_endpoint("lake", S3Settings("x.evil.example/"), timeout=1)


def test_other_servers_need_no_region() -> None:
    endpoint = find_endpoint("lake", S3Settings(endpoint_url=f"http://127.0.0.1:{free_port()}"), timeout=1)
    assert endpoint.region == "us-east-1"


@pytest.mark.parametrize(
    ("environment", "config", "endpoint_url"),
    [
        ({}, "", None),
        ({"AWS_ENDPOINT_URL": "http://all"}, "", "http://all"),
        ({"AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_S3": "http://s3"}, "", "http://s3"),
        ({"AWS_ENDPOINT_URL_STS": "http://sts"}, "", None),
        ({}, "[default]\nendpoint_url = http://profile\n", "http://profile"),
        (
            {},
            "[default]\nendpoint_url = http://profile\nservices = mine\n[services mine]\ns3 =\n  endpoint_url = http://service\n",
            "http://service",
        ),
        (
            {"AWS_ENDPOINT_URL_S3": "http://s3"},
            "[default]\nservices = mine\n[services mine]\ns3 =\n  endpoint_url = http://service\n",
            "http://s3",
        ),
        (
            {"AWS_ENDPOINT_URL_S3": "http://s3", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
            "[default]\nendpoint_url = http://profile\n",
            None,
        ),
        (
            {},
            "[default]\nendpoint_url = http://profile\nignore_configured_endpoint_urls = true\n",
            None,
        ),
    ],
)
def test_the_endpoint_is_found_as_aws_tools_find_it(
    aws: Path,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    config: str,
    endpoint_url: str | None,
) -> None:
    aws.write_text(config)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert settings_of().endpoint_url == endpoint_url
    assert settings_of(endpoint_url="http://option").endpoint_url == "http://option"


def test_a_services_section_that_is_missing_is_told(aws: Path) -> None:
    aws.write_text("[default]\nservices = nowhere\n")
    with pytest.raises(ConfigError, match='"nowhere" services configuration does not exist'):
        settings_of()


def test_the_region_comes_from_option_environment_and_profile_in_this_order(
    aws: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings_of().region is None
    aws.write_text("[default]\nregion = from-profile\n")
    assert settings_of().region == "from-profile"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "from-default")
    assert settings_of().region == "from-default"
    monkeypatch.setenv("AWS_REGION", "from-region")
    assert settings_of().region == "from-region"
    assert settings_of(region="from-option").region == "from-option"


def test_the_profile_tells_style_and_servers(aws: Path) -> None:
    assert settings_of().addressing_style == "auto"
    aws.write_text(
        "[default]\nuse_fips_endpoint = true\ns3 =\n  addressing_style = virtual\n  use_dualstack_endpoint = true\n"
    )
    settings = settings_of()
    assert (settings.addressing_style, settings.dualstack, settings.fips) == ("virtual", True, True)
    assert settings_of(addressing_style="path").addressing_style == "path"
    # Also where the options say all that is needed to ask.
    whole = settings_of(key="k", secret="s", region="r", endpoint_url="http://here")
    assert whole.addressing_style == "virtual"


@pytest.mark.parametrize(
    "config",
    ["s3 =\n  addressing_style = host\n", "endpoint_url = http://user:hush@host\n", "endpoint_url = x\n"],
)
def test_a_setting_that_cannot_be_used_is_refused_without_its_secrets(aws: Path, config: str) -> None:
    aws.write_text(f"[default]\n{config}")
    with pytest.raises(ConfigError, match="AWS configuration must") as caught:
        settings_of()
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("style", ["host", "", "Virtual"])
def test_an_unknown_style_is_refused(style: str) -> None:
    with pytest.raises(ConfigError, match="auto, path, virtual"):
        parse_options({"addressing_style": style})


@pytest.mark.parametrize(
    "url", ["localhost:9000", "ftp://h", "", "https://", "http://u:hush@h", "http://h?sig=hush"]
)
def test_an_endpoint_that_is_no_server_is_refused_without_its_secrets(url: str) -> None:
    with pytest.raises(ConfigError, match="'endpoint_url' must") as caught:
        parse_options({"endpoint_url": url})
    assert "hush" not in str(caught.value)


def test_the_option_beats_the_environment_in_the_requests_too(
    scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """obstore reads the environment by itself, and prefers AWS_ENDPOINT_URL_S3 to what it is given."""
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "true")
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    scripted_server.scripts["GET /lake"] = [reply(200, LISTING % b"a")]
    store = open_store("s3://lake/t", endpoint_url=scripted_server.endpoint)
    assert store.list()["path"].to_pylist() == ["a"]
    sent = [{name.lower() for name in headers} for _, _, headers in scripted_server.requests]
    assert all("authorization" in names for names in sent)


def only_in(region: str, good: Any, status: int = 400) -> Any:
    """`good` for what is signed for `region`; else what S3 answers, whose HEAD has nothing but a header."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        signed = request.headers.get("authorization", "")
        refusal = b"<Error><Code>AuthorizationHeaderMalformed</Code></Error>"
        wrong = reply(status, refusal, headers={"x-amz-bucket-region": region})
        (good if f"/{region}/s3/" in signed else wrong)(request)

    return answer


@pytest.mark.parametrize("status", [301, 400])
@pytest.mark.parametrize("odd", [b"plain", b"a//b"])
def test_a_bucket_elsewhere_is_asked_there(scripted_server: ScriptedServer, status: int, odd: bytes) -> None:
    key = odd.decode()
    missing = reply(404, b"")
    scripted_server.scripts = {
        "HEAD /lake/t": [only_in("eu-west-3", missing, status)],
        "HEAD /lake": [only_in("eu-west-3", missing, status)],
        "GET /lake": [only_in("eu-west-3", reply(200, LISTING % odd), status)],
        f"GET /lake/t/{key}": [only_in("eu-west-3", BODY, status)],
    }
    store = open_store("s3://lake/t", endpoint_url=scripted_server.endpoint, region="us-west-2")
    came = [(method, path) for method, path, _ in scripted_server.requests]
    assert came == [("HEAD", "/lake/t"), ("HEAD", "/lake"), ("HEAD", "/lake/t")]
    assert "authorization" not in {name.lower() for name in scripted_server.requests[1][2]}
    assert store.list()["path"].to_pylist() == [key]
    assert store.read(key, 0, 4, '"v1"') == b"body"


def test_the_right_region_costs_no_request(scripted_server: ScriptedServer) -> None:
    open_store("s3://lake/t", endpoint_url=scripted_server.endpoint, region="us-west-2")
    assert [(method, path) for method, path, _ in scripted_server.requests] == [("HEAD", "/lake/t")]


@pytest.mark.parametrize("told", ["", "us-west-2", "evil.example/x", "EU"])
def test_a_region_that_does_not_help_is_not_followed(scripted_server: ScriptedServer, told: str) -> None:
    refusal = b"<Error><Code>PermanentRedirect</Code></Error>"
    wrong = reply(301, refusal, headers={"x-amz-bucket-region": told})
    scripted_server.scripts = {"HEAD /lake/t": [wrong], "HEAD /lake": [wrong], "GET /lake": [wrong]}
    store = open_store("s3://lake/t", endpoint_url=scripted_server.endpoint, region="us-west-2")
    assert len(scripted_server.requests) == 2
    with pytest.raises(ConfigError, match="region="):
        store.list()


def test_requester_pays_is_said_on_every_request(scripted_server: ScriptedServer) -> None:
    for key in ("a", "a//b"):
        scripted_server.scripts = {
            "GET /lake": [reply(200, LISTING % key.encode())],
            f"GET /lake/t/{key}": [BODY],
        }
        store = open_store("s3://lake/t", endpoint_url=scripted_server.endpoint, requester_pays=True)
        assert store.list()["path"].to_pylist() == [key]
        assert store.read(key, 0, 4, '"v1"') == b"body"
    asked = [
        {name.lower(): value for name, value in headers.items()} for _, _, headers in scripted_server.requests
    ]
    assert {method for method, _, _ in scripted_server.requests} == {"HEAD", "GET"}
    assert [headers.get("x-amz-request-payer") for headers in asked] == ["requester"] * len(asked)


def test_who_pays_is_not_said_unasked(
    scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REQUEST_PAYER", "requester")
    open_store("s3://lake/t", endpoint_url=scripted_server.endpoint)
    assert not any("x-amz-request-payer" in headers for _, _, headers in scripted_server.requests)


def test_anonymous_requests_carry_no_signature(scripted_server: ScriptedServer) -> None:
    for key in ("a", "a//b"):
        scripted_server.scripts = {
            "GET /lake": [reply(200, LISTING % key.encode())],
            f"GET /lake/t/{key}": [BODY],
        }
        store = open_store("s3://lake/t", endpoint_url=scripted_server.endpoint, anonymous=True)
        assert store.list()["path"].to_pylist() == [key]
        assert store.read(key, 0, 4, '"v1"') == b"body"
    names = {name.lower() for _, _, headers in scripted_server.requests for name in headers}
    assert not names & {"authorization", "x-amz-security-token", "x-amz-date"}


def test_a_virtual_bucket_is_asked_by_its_host(
    scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", scripted_server.endpoint)  # it is asked for whole URLs, of any host
    host = "http://lake.ceph.example:9000"
    for key in ("a", "a//b"):
        scripted_server.scripts = {
            f"GET {host}/": [reply(200, LISTING % key.encode())],
            f"GET {host}/t/{key}": [BODY],
        }
        store = open_store("s3://lake/t", endpoint_url="http://ceph.example:9000", addressing_style="virtual")
        assert store.list()["path"].to_pylist() == [key]
        assert store.read(key, 0, 4, '"v1"') == b"body"


@dataclass
class FakeAws:
    """AWS behind an HTTPS proxy: every host, each with a certificate of a CA of its own."""

    proxy: str
    ca_bundle: str
    home: str = "eu-central-1"
    key: str = "a"
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    """(method, host, path) of what came."""

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        host, path = request.headers["Host"], request.path.partition("?")[0]
        self.requests.append((request.command, host, path))
        signed = request.headers.get("authorization")
        bucket = {"x-amz-bucket-region": self.home}
        if host != f"lake.s3.{self.home}.amazonaws.com":
            answer = reply(301, b"<Error><Code>PermanentRedirect</Code></Error>", headers=bucket)
        elif signed is not None and f"/{self.home}/s3/" not in signed:
            answer = reply(400, b"<Error><Code>AuthorizationHeaderMalformed</Code></Error>", headers=bucket)
        elif request.command == "HEAD":
            answer = reply(404, b"", headers=bucket)
        else:
            answer = reply(200, LISTING % self.key.encode()) if path == "/" else BODY
        answer(request)


def make_certificates(folder: Path, hosts: list[str]) -> tuple[Path, Path]:
    """A CA's certificate, and a file with the key and certificate that it gave to `hosts`."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    now = datetime.datetime.now(datetime.UTC)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test CA")])
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test server")])

    def begin(subject: x509.Name, public: Any, is_ca: bool) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder(ca_name, subject, public, x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(is_ca, None), critical=True)
        )

    names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
    ca = begin(ca_name, ca_key.public_key(), True).sign(ca_key, hashes.SHA256())
    leaf = (
        begin(name, key.public_key(), False)
        .add_extension(names, critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / "ca.pem").write_bytes(ca.public_bytes(pem))
    (folder / "server.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + leaf.public_bytes(pem)
    )
    return folder / "ca.pem", folder / "server.pem"


@pytest.fixture
def fake_aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAws]:
    regions = ("us-east-1", "us-west-2", "eu-central-1")
    hosts = [f"{bucket}s3.{region}.amazonaws.com" for region in regions for bucket in ("", "*.")]
    ca, certificate = make_certificates(tmp_path, hosts)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_CONNECT(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.connection = context.wrap_socket(self.connection, server_side=True)
            self.rfile = self.connection.makefile("rb")
            self.wfile = self.connection.makefile("wb", buffering=0)  # type: ignore[assignment]
            self.close_connection = False

        def do_GET(self) -> None:
            fake.answer(self)

        do_HEAD = do_GET  # noqa: N815 the name that http.server looks for

        def finish(self) -> None:
            self.rfile.close()
            self.connection.close()

        def log_message(self, *_: Any) -> None:
            """Tests look at `requests` instead."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_: Any) -> None:
            """A client that does not trust the certificate hangs up."""

    with Server(("127.0.0.1", 0), Handler) as server:
        fake = FakeAws(f"http://127.0.0.1:{server.server_port}", str(ca))
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        monkeypatch.setenv("HTTPS_PROXY", fake.proxy)
        monkeypatch.setenv("AWS_CA_BUNDLE", fake.ca_bundle)
        yield fake
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("key", ["a", "a//b"])
@pytest.mark.parametrize("anonymous", [False, True])
@pytest.mark.parametrize(
    ("region", "asked"),
    [
        (None, [("HEAD", "us-east-1", "/"), ("HEAD", "eu-central-1", "/t")]),
        ("eu-central-1", [("HEAD", "eu-central-1", "/t")]),
        (
            "us-west-2",
            [("HEAD", "us-west-2", "/t"), ("HEAD", "us-west-2", "/"), ("HEAD", "eu-central-1", "/t")],
        ),
    ],
)
def test_aws_is_asked_in_the_region_of_the_bucket(
    fake_aws: FakeAws, key: str, anonymous: bool, region: str | None, asked: list[tuple[str, str, str]]
) -> None:
    fake_aws.key = key
    store = open_store("s3://lake/t", region=region, anonymous=anonymous)
    assert fake_aws.requests == [
        (method, f"lake.s3.{region}.amazonaws.com", path) for method, region, path in asked
    ]
    assert store.list()["path"].to_pylist() == [key]
    assert store.read(key, 0, 4, '"v1"') == b"body"


def test_a_certificate_of_an_unknown_authority_is_told(
    fake_aws: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_CA_BUNDLE")
    with pytest.raises(StorageUnavailableError, match="certificate is not trusted"):
        open_store("s3://lake/t")
    assert fake_aws.requests == []


@pytest.mark.parametrize(
    ("content", "words"), [(None, "Cannot read the certificates"), ("no", "no certificate in")]
)
def test_a_bundle_without_certificates_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None, words: str
) -> None:
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_text(content)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    with run_scripted_server() as server, pytest.raises(ConfigError, match=words):
        open_store("s3://lake/t", endpoint_url=server.endpoint)
