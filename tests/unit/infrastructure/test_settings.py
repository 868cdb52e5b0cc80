"""Settings."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from infrastructure.settings import Settings, SettingsError, new_platform_key

KEY = "ab" * 32


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DATABASE_URL", "mysql://host/database"),
        ("STAGEBOOK_PORT", "eighty"),
        ("STAGEBOOK_PORT", "0"),
        ("STAGEBOOK_PORT", "65536"),
        ("STAGEBOOK_TRUSTED_PROXIES", "-1"),
        ("STAGEBOOK_TRUSTED_PROXIES", "10.0.0.1"),
        ("STAGEBOOK_LOG_LEVEL", "loud"),
        ("STAGEBOOK_SLOW_SECONDS", "-0.1"),
        ("STAGEBOOK_SLOW_SECONDS", "nan"),
        ("STAGEBOOK_SLOW_SECONDS", "inf"),
        ("STAGEBOOK_WORKER_METRICS_PORT", "65536"),
        ("STAGEBOOK_OPERATION_RESULTS_HOURS", "0"),
        ("STAGEBOOK_MASTER_KEY", "abc"),
        ("STAGEBOOK_PLATFORM_KEY_SHA256", KEY.upper()),
        ("STAGEBOOK_BATCH_LIMIT", "-1"),
        ("STAGEBOOK_COMMAND_QUEUE_LIMIT", "1.5"),
        ("STAGEBOOK_CACHE_SIZE", "many"),
    ],
)
def test_a_wrong_value_is_refused_in_one_line_that_names_the_setting(variable: str, value: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.load({variable: value})
    assert str(refused.value).startswith(variable)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("variable", "value"), [("STAGEBOOK_MASTER_KEY", KEY[:-1]), ("DATABASE_URL", "http://user:secret@host/")])
def test_a_wrong_secret_is_not_repeated_in_the_message(variable: str, value: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.load({variable: value})
    assert value not in str(refused.value)


def test_secrets_do_not_show_when_settings_are_printed() -> None:
    settings = Settings.load({"STAGEBOOK_MASTER_KEY": KEY, "DATABASE_URL": "postgresql://user:secret@host/"})
    assert KEY not in repr(settings)
    assert "secret" not in repr(settings)


def test_unset_and_empty_settings_take_their_default() -> None:
    assert Settings.load({"STAGEBOOK_PORT": " "}) == Settings.load({}) == Settings()


def test_a_child_process_loads_the_same_settings_from_its_environment() -> None:
    settings = Settings(database_url="postgresql://host/x", data_dir=Path("a folder"), port=9, log_level="error", batch_limit=7)
    assert Settings.load(settings.environment()) == settings


def test_options_go_before_the_environment_and_are_checked_alike() -> None:
    settings = Settings.load({"STAGEBOOK_PORT": "1000"})
    assert settings.with_options(port=2000, host=None).port == 2000
    with pytest.raises(SettingsError, match="STAGEBOOK_PORT"):
        settings.with_options(port=70000)


def test_the_master_key_is_made_once_and_readable_by_its_owner_alone(data_dir: Path) -> None:
    settings = Settings(data_dir=data_dir)
    first, second = settings.with_keys(), settings.with_keys()
    assert len(bytes.fromhex(first.master_key)) == 32
    assert second.master_key == first.master_key
    assert stat.S_IMODE((data_dir / "master.key").stat().st_mode) == 0o600
    assert not list(data_dir.glob(".master.key*"))


def test_a_master_key_in_the_environment_is_not_written_to_disk(data_dir: Path) -> None:
    assert Settings(data_dir=data_dir, master_key=KEY).with_keys().master_key == KEY
    assert not (data_dir / "master.key").exists()


def test_of_the_platform_key_the_hash_alone_is_kept(data_dir: Path) -> None:
    key = new_platform_key()
    settings = Settings(data_dir=data_dir).with_platform_key(key)
    settings.keep_platform_key_hash()
    Settings(data_dir=data_dir).with_platform_key("sbp_other").keep_platform_key_hash()
    assert Settings(data_dir=data_dir).with_keys().platform_key_sha256 == settings.platform_key_sha256
    assert key not in "".join(file.read_text() for file in data_dir.iterdir())


def test_a_data_folder_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match=r"^STAGEBOOK_DATA_DIR: cannot write .+"):
        Settings(data_dir=tmp_path / "file").with_keys()
