"""STORAGE_URL says where files lie, and what is wrong in it is told without its keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from chatbot_saas.lib.storage_url import Bucket, Keys, bucket_of, folder_of, storage_of

KEYS = Keys("AKIAENV", "from the environment")


def test_a_folder_is_what_it_always_was() -> None:
    assert storage_of("file:///var/files", KEYS)["BACKEND"].endswith("FileSystemStorage")
    assert folder_of("file:///var/files", Path("/other")) == Path("/var/files")
    assert folder_of("s3://shop-files", Path("/other")) == Path("/other")


def test_a_bucket_is_named_with_its_folder_and_its_server() -> None:
    found = bucket_of(
        "s3://shop-files/a/b/?endpoint=https://files.example/&region=eu-1&style=virtual", KEYS
    )
    assert found == Bucket(
        "shop-files", "a/b", "https://files.example", "", "eu-1", "virtual", keys=KEYS
    )


def test_keys_of_the_address_go_before_those_of_the_environment() -> None:
    keys = bucket_of("s3://AKIA%2F1:se%2Fcret%40@shop-files", KEYS).keys
    assert keys == Keys("AKIA/1", "se/cret@")


def test_a_server_of_ones_own_needs_no_region() -> None:
    assert bucket_of("s3://files?endpoint=http://minio:9000", KEYS).region == "us-east-1"
    assert bucket_of("s3://files?endpoint=http://minio:9000", KEYS, "eu-2").region == "eu-2"
    assert bucket_of("s3://files", KEYS).region == ""


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://files", "it must be file:///folder or s3://bucket"),
        ("s3://", "a bucket's name"),
        ("s3://No_Such_Name", "a bucket's name"),
        ("s3://files/../secret", "the folder within the bucket"),
        ("s3://files/%00", "the folder within the bucket"),
        ("s3://user@files", "given together"),
        ("s3://:pass-word@files", "given together"),
        ("s3://files?endpoint=minio:9000", "endpoint is an address"),
        ("s3://files?endpoint=http://a:pass-word@minio", "endpoint is an address"),
        ("s3://files?endpoint=http://minio:many", "endpoint is not an address"),
        ("s3://files?endpont=http://minio", "endpont is none of endpoint"),
        ("s3://files?style=curly", "style is one of"),
        ("s3://files?encryption=rot13", "encryption is one of"),
        ("s3://[files", "not an address"),
    ],
)
def test_what_is_wrong_is_told_without_the_keys(url: str, said: str) -> None:
    with pytest.raises(ImproperlyConfigured) as told:
        bucket_of(url, Keys())
    assert str(told.value).startswith("STORAGE_URL: ")
    assert said in str(told.value)
    assert "pass-word" not in str(told.value)


def test_a_folder_is_named_from_the_root_on() -> None:
    with pytest.raises(ImproperlyConfigured, match="from the root on"):
        folder_of("file://files", Path("/other"))


def test_keys_are_never_shown() -> None:
    shown = repr(storage_of("s3://AKIA1:very-secret@files", KEYS))
    assert "very-secret" not in shown
    assert "AKIA1" not in shown
