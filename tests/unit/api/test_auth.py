from __future__ import annotations

from uuid import UUID

import httpx
import pytest
from litestar import Litestar

from api.auth import Credentials
from api.queries.reader import READ_PERMISSION
from application import access
from domain.organizations.api_key import key_text
from domain.refusals import Unauthenticated
from tests.unit.api import sample

CONFIRM = f"/v1/orders/{sample.EVENT}/confirm"
OPEN = {"/health/live", "/health/ready", "/metrics", "/docs", "/docs/{part}", "/schema/openapi.json"}

WRONG = [
    None,
    "",
    "Bearer",
    "Bearer ",
    "Basic dXNlcjpwYXNz",
    f"Bearer {sample.KEY}x",
    f"Bearer {sample.KEY[:-1]}",
    f"Bearer {key_text(sample.KEY_ID, 'x' * 40)}",
    f"Bearer {key_text(UUID(int=77), sample.SECRET)}",
    f"Bearer sbk_{sample.KEY_ID.hex}_",
    f"Bearer sbk_{sample.KEY_ID}_{sample.SECRET}",
    f"Bearer sbk_{sample.KEY_ID.hex.upper()}_{sample.SECRET}",
    f"Bearer {sample.KEY} {sample.KEY}",
    "Bearer sbp_wrong",
    "Bearer " + "x" * 10_000,
    "Bearer sbk_" + "é" * 32 + "_x",
]


@pytest.mark.parametrize("authorization", WRONG)
async def test_whatever_is_wrong_with_a_credential_the_answer_is_the_same_401(
    anonymous: httpx.AsyncClient, authorization: str | None
) -> None:
    headers = {} if authorization is None else {b"authorization": authorization.encode()}
    answer = await anonymous.post(CONFIRM, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["detail"] == "No valid credential was given."
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_every_route_needs_a_key(app: Litestar, anonymous: httpx.AsyncClient) -> None:
    """But those that say how the server is and what it offers: for `/metrics` there is a token of its own."""
    asked = 0
    for route in app.routes:
        path = "/".join("019760f4-8a00-7c3e-9d41-5b6f0a1c2d3e" if "{" in step else step for step in route.path_format.split("/"))
        for method in set(route.methods) - {"OPTIONS"}:
            answer = await anonymous.request(method, path)
            assert (answer.status_code == 401) is (route.path_format not in OPEN), (method, path, answer.text)
            asked += 1
    assert asked >= len(sample.SAMPLE) + 2 * len(sample.TABLES) + 1


async def test_the_scheme_is_case_insensitive(anonymous: httpx.AsyncClient) -> None:
    assert (await anonymous.post(CONFIRM, headers={"authorization": f"bearer {sample.KEY}"})).status_code == 200


async def test_o9_a_revocation_binds_the_next_request(client: httpx.AsyncClient, bus: sample.FakeBus) -> None:
    assert (await client.post(CONFIRM)).status_code == 200
    assert (await client.get("/v1/venues")).status_code == 200
    bus.aggregates[sample.KEY_ID].revoke(now=sample.NOW)  # type: ignore[attr-defined]
    assert (await client.post(CONFIRM)).status_code == 401
    assert (await client.get("/v1/venues")).status_code == 401


async def test_a_key_is_looked_up_once_and_its_secret_is_checked_every_time(client: httpx.AsyncClient, bus: sample.FakeBus) -> None:
    for _ in range(3):
        assert (await client.post(CONFIRM)).status_code == 200
    assert bus.questions == 1
    wrong = {"authorization": f"Bearer {key_text(sample.KEY_ID, 'wrong')}"}
    assert (await client.post(CONFIRM, headers=wrong)).status_code == 401


async def test_an_unknown_key_is_not_remembered(anonymous: httpx.AsyncClient, bus: sample.FakeBus) -> None:
    new = UUID(int=55)
    headers = {"authorization": f"Bearer {key_text(new, sample.SECRET)}"}
    assert (await anonymous.post(CONFIRM, headers=headers)).status_code == 401
    bus.issue_key(new)
    assert (await anonymous.post(CONFIRM, headers=headers)).status_code == 200


async def test_only_so_many_keys_are_remembered(bus: sample.FakeBus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.auth.REMEMBERED", 2)
    credentials = Credentials(bus, platform_key_sha256="")
    for number in (1, 2, 1, 3, 1, 2):  # 3 displaces 2, which was used longest ago
        bus.issue_key(UUID(int=number))
        await credentials.principal(f"Bearer {key_text(UUID(int=number), sample.SECRET)}".encode())
    assert bus.questions == 4


async def test_a_scope_that_is_missing_is_403_with_its_name(anonymous: httpx.AsyncClient, bus: sample.FakeBus) -> None:
    bus.issue_key(scopes=("venues.manage",))
    anonymous.headers["authorization"] = f"Bearer {sample.KEY}"
    for answer, permission in ((await anonymous.post(CONFIRM), "orders.create"), (await anonymous.get("/v1/venues"), "data.read")):
        assert answer.status_code == 403
        assert answer.json()["params"] == {"permission": permission}


async def test_the_platform_key_is_the_platform_and_reads_no_organizations_rows(anonymous: httpx.AsyncClient, bus: sample.FakeBus) -> None:
    headers = {"authorization": f"Bearer {sample.PLATFORM_KEY}"}
    assert (await anonymous.get("/v1/venues", headers=headers)).status_code == 403
    await anonymous.post(CONFIRM, headers=headers)
    assert bus.requests[0].principal.actor == "platform"


async def test_without_a_platform_key_nobody_is_the_platform(bus: sample.FakeBus) -> None:
    with pytest.raises(Unauthenticated):
        await Credentials(bus, platform_key_sha256="").principal(b"Bearer sbp_x")


def test_the_permission_to_read_is_one_that_a_role_can_have() -> None:
    assert READ_PERMISSION in access.PERMISSIONS
