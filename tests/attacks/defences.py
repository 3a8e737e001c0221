"""List every defence that the attack tests rely on, with its removal and the tests that must fail then.

A defence is taken out by patching python-tuf, the network's library or our own code, and nothing else is changed:
what a test then shows is the attack going through, or the next defence behind it with other words.
"""

import hashlib
import re
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import pytest
import urllib3
from tuf.api import exceptions as tuf_errors
from tuf.api._payload import BaseFile, VerificationResult, _DelegatorMixin
from tuf.api.metadata import DelegatedRole, Metadata, Role, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.ngclient import Updater, UpdaterConfig
from tuf.ngclient._internal import trusted_metadata_set
from tuf.ngclient._internal.trusted_metadata_set import TrustedMetadataSet

from movepass_keys import KeySet
from movepass_keys.records import layout, roles
from movepass_keys.records.layout import target_file
from movepass_verifier.errors import SyncError
from movepass_verifier.store import pages, schema
from movepass_verifier.store.store import Store
from movepass_verifier.sync import offer, packs, rewriting, sources, sync
from movepass_verifier.sync.scratch import Partial
from movepass_verifier.sync.sources import folder, web
from movepass_wire import LogError
from movepass_wire.statuslog import read_blocks

_MUCH = 8 << 20
"""Replaces a bound: enough to show that there is none, without making the machine suffer."""
_VERIFY = import_module("movepass_verifier.deciding.verify")  # the package has a function of that name
Patch = pytest.MonkeyPatch


@dataclass(frozen=True)
class Mutation:
    """A defence that can be taken out.

    Attributes:
        what: in words, what no longer happens.
        disable: does it, for one test.
        tests: those that must fail then.
    """

    what: str
    disable: Callable[[Patch], None]
    tests: tuple[str, ...]


MUTATIONS: dict[str, Mutation] = {}
NOTHING_TO_DISABLE = {
    "test_not_defended_it_can_invent_revocations": "shows what is not defended",
    "test_not_defended_it_can_hide_revocations": "shows what is not defended",
    "test_an_old_timestamp_before_new_documents_gives_the_old_publication_whole": "shows that it is harmless",
    "test_only_what_is_new_is_asked_for": "shows that a log that was rewritten is not downloaded whole",
    "test_from_a_folder_too": "shows the same for a folder",
    "test_an_honest_pack_makes_a_sync_one_request": "shows that the attacks with packs are some",
}


def _mutation(what: str, *tests: str) -> Callable[[Callable[[Patch], None]], Callable[[Patch], None]]:
    def add(disable: Callable[[Patch], None]) -> Callable[[Patch], None]:
        MUTATIONS[disable.__name__.strip("_")] = Mutation(what, disable, tests)
        return disable

    return add


# What is delegated


@_mutation(
    "a role whose name is no text is left to python-tuf",
    "test_a_delegation_to_a_role_whose_name_is_no_text_is_refused",
)
def _role_names(patch: Patch) -> None:
    def unguarded(updater: Updater, name: str, _max_bytes: int) -> TargetFile | None:
        return updater.get_targetinfo(name)

    patch.setattr(offer, "_target", unguarded)


# Who signed


@_mutation(
    "signatures are not checked",
    "test_a_document_that_a_stranger_signed_is_refused",
    "test_a_document_changed_after_it_was_signed_is_refused",
    "test_pass_keys_signed_by_the_online_key_are_refused",
    "test_pass_keys_signed_by_the_custodians_of_the_root_are_refused",
    "test_a_root_signed_by_the_online_key_is_refused",
    "test_the_repository_of_another_authority_is_refused",
    "test_the_repository_of_another_authority_with_a_second_root_is_refused",
    "test_a_leaked_online_key_is_worth_nothing_once_the_root_has_replaced_it",
    "test_a_root_once_taken_over_stays_though_the_server_hides_it",
    "test_a_new_root_with_another_online_key_ends_a_fast_forward",
)
def _signatures(patch: Patch) -> None:
    patch.setattr(_DelegatorMixin, "verify_delegate", lambda *_: None)


@_mutation(
    "one signature is enough, whatever the threshold",
    "test_pass_keys_signed_by_one_custodian_are_refused",
    "test_one_signature_under_the_name_of_another_custodian_does_not_count",
    "test_a_device_is_not_enrolled_with_a_root_that_too_few_have_signed",
)
def _threshold(patch: Patch) -> None:
    patch.setattr(VerificationResult, "verified", property(lambda result: len(result.signed) >= 1))


@_mutation(
    "a key counts as often as it is listed, and a signature as often as it is there",
    "test_one_signature_that_is_there_twice_does_not_count_twice",
    "test_a_root_that_lists_one_custodian_twice_is_refused",
)
def _counted_once(patch: Patch) -> None:
    times: dict[str, int] = {}

    def init(role: Role, keyids: list[str], threshold: int, unrecognized_fields: Any = None) -> None:
        role.keyids, role.threshold, role.unrecognized_fields = keyids, threshold, unrecognized_fields or {}

    from_dict = Metadata.from_dict.__func__  # type: ignore[attr-defined]

    def lenient(cls: Any, document: dict[str, Any]) -> Any:
        unique = {signature["keyid"]: signature for signature in document["signatures"]}
        times.update({k: sum(s["keyid"] == k for s in document["signatures"]) for k in unique})
        return from_dict(cls, {**document, "signatures": list(unique.values())})

    def verified(result: VerificationResult) -> bool:
        return sum(times[keyid] for keyid in result.signed) >= result.threshold

    patch.setattr(Role, "__init__", init)
    patch.setattr(Metadata, "from_dict", classmethod(lenient))
    patch.setattr(VerificationResult, "verified", property(verified))


def _update_root(*, old: bool = True, new: bool = True, version: bool = True) -> Callable[..., Root]:
    """Write TrustedMetadataSet.update_root without one of its checks."""

    def update(trusted: Any, data: bytes) -> Root:
        root, root_bytes, signatures = trusted._load_data(Root, data, trusted.root if old else None)
        if version and root.version != trusted.root.version + 1:
            raise tuf_errors.BadVersionNumberError(f"version {root.version}")
        if new:
            root.verify_delegate(Root.type, root_bytes, signatures)
        trusted._add(Root.type, root, Root.type)
        return root  # type: ignore[no-any-return]

    return update


@_mutation(
    "keys are told apart by their ids alone",
    "test_a_root_with_one_key_under_an_id_that_is_not_its_own_is_refused",
    "test_a_root_with_one_key_written_in_two_ways_is_refused",
    "test_a_root_with_one_key_under_two_ids_is_refused_on_the_way_to_a_later_one",
)
def _keys_differ(patch: Patch) -> None:
    patch.setattr(offer, "_check_keys_differ", lambda *_: None)


@_mutation("every wrong version is called behind", "test_a_root_that_skips_a_version_is_not_called_behind")
def _words(patch: Patch) -> None:
    words = dict(sync._WORDS) | {tuf_errors.BadVersionNumberError: lambda e: f"it is behind ({e})"}
    patch.setattr(sync, "_WORDS", tuple(words.items()))


@_mutation(
    "the custodians of the root before are not asked",
    "test_a_root_that_too_few_of_the_old_custodians_signed_is_refused",
)
def _old_custodians(patch: Patch) -> None:
    patch.setattr(TrustedMetadataSet, "update_root", _update_root(old=False))


@_mutation(
    "a new root's own custodians are not asked",
    "test_a_root_that_too_few_of_the_new_custodians_signed_is_refused",
)
def _new_custodians(patch: Patch) -> None:
    patch.setattr(TrustedMetadataSet, "update_root", _update_root(new=False))


@_mutation(
    "a root need not be of the next version",
    "test_a_root_that_skips_a_version_is_refused",
    "test_an_old_root_in_a_later_ones_place_is_refused",
)
def _root_version(patch: Patch) -> None:
    patch.setattr(TrustedMetadataSet, "update_root", _update_root(version=False))


@_mutation(
    "only one new root is followed",
    "test_a_device_that_was_off_for_a_year_follows_the_roots_through_expired_ones",
)
def _roots_followed(patch: Patch) -> None:
    patch.setattr("tuf.ngclient.updater.UpdaterConfig", lambda: UpdaterConfig(max_root_rotations=1))


@_mutation("no new root is followed", "test_a_root_that_the_old_and_the_new_custodians_signed_is_followed")
def _root_followed(patch: Patch) -> None:
    patch.setattr("tuf.ngclient.updater.UpdaterConfig", lambda: UpdaterConfig(max_root_rotations=0))


@_mutation(
    "a device is enrolled with anything",
    "test_a_device_is_not_enrolled_with_garbage",
    "test_a_device_is_not_enrolled_with_a_root_that_too_few_have_signed",
    "test_a_device_is_not_enrolled_with_a_document_of_another_role",
)
def _enrolment(patch: Patch) -> None:
    patch.setattr(offer, "check_root", lambda _: 1)


# What was signed


@_mutation(
    "a document's type is not looked at",
    "test_a_document_of_another_role_is_refused_though_its_key_is_the_right_one",
)
def _type(patch: Patch) -> None:
    def load(_: object, data: bytes, delegator: Any = None, role_name: str | None = None) -> Any:
        metadata: Any = Metadata.from_bytes(data)
        if delegator:
            delegator.verify_delegate(role_name or metadata.signed.type, metadata.signed_bytes, metadata.signatures)
        return metadata.signed, metadata.signed_bytes, metadata.signatures

    patch.setattr(trusted_metadata_set, "_load_from_metadata", load)


@_mutation(
    "lengths and hashes are not compared",
    "test_other_content_of_the_same_length_is_refused",
    "test_content_of_another_length_is_refused",
    "test_an_old_log_under_the_new_ones_name_is_refused",
    "test_old_keys_under_the_new_ones_name_are_refused",
    "test_an_older_document_among_new_ones_is_refused",
    "test_a_newer_document_among_old_ones_is_refused",
    "test_a_log_of_another_publication_is_refused",
    "test_a_hash_that_is_a_path_leads_to_nothing_that_is_taken_over",
)
def _hashes(patch: Patch) -> None:
    patch.setattr(BaseFile, "_verify_hashes", staticmethod(lambda *_: None))
    patch.setattr(BaseFile, "_verify_length", staticmethod(lambda *_: None))
    patch.setattr(offer, "is_signed", _is_held)


def _is_held(target: TargetFile, data: bytes) -> bool:
    """Compare held data with the expected data as usual, because otherwise nothing would be fetched."""
    return hashlib.sha256(data).hexdigest() == target.hashes.get("sha256")


@_mutation(
    "the rest of a log is believed to be what was asked for",
    "test_a_wrong_rest_of_a_log_is_thrown_away_and_the_whole_is_asked_for",
)
def _rest(patch: Patch) -> None:
    def download(source: sources.Source, _: int, target: TargetFile, held: bytes, *__: Any) -> bytes:
        return source.fetch_rest(target_file(target), held, target.length)

    patch.setattr(offer, "_download", download)


@_mutation(
    "what came of a log that was cut off is believed",
    "test_wrong_bytes_of_a_log_that_was_cut_off_poison_no_later_sync",
)
def _partial(patch: Patch) -> None:
    original = Partial.beginnings
    patch.setattr(Partial, "beginnings", lambda partial: original(partial)[:1])


@_mutation(
    "what can't be read is taken for nothing new",
    "test_garbage_in_place_of_a_document_that_nothing_names_by_hash_is_refused",
    "test_a_length_in_the_header_that_is_not_the_bodys_is_refused",
)
def _readable(patch: Patch) -> None:
    def lenient(name: str, instead: Exception) -> None:
        original = getattr(TrustedMetadataSet, name)

        def update(trusted: Any, data: bytes) -> Any:
            try:
                return original(trusted, data)
            except tuf_errors.RepositoryError as e:
                if "deserialize" in str(e):
                    raise instead from e
                raise

        patch.setattr(TrustedMetadataSet, name, update)

    lenient("update_root", tuf_errors.DownloadHTTPError("", 404))
    lenient("update_timestamp", tuf_errors.EqualVersionNumberError())


@_mutation(
    "the beginning of a log that the device made by itself is believed",
    "test_what_does_not_fit_costs_bytes_and_changes_nothing",
    "test_a_first_block_of_another_set_is_not_made_up_for",
    "test_where_an_earlier_file_is_another_one_the_whole_log_is_downloaded",
)
def _made_beginning(patch: Patch) -> None:
    def download(source: sources.Source, day: int, target: TargetFile, held: bytes, *_: Any) -> bytes:
        begun = rewriting.begin(source, day, target, held) or held
        return source.fetch_rest(target_file(target), begun, target.length)

    patch.setattr(offer, "_download", download)


@_mutation(
    "a log's header is not looked at",
    "test_a_log_of_another_day_is_refused_though_it_is_signed",
    "test_a_log_of_another_generation_than_its_target_says_is_refused",
)
def _header(patch: Patch) -> None:
    patch.setattr(offer, "_check_header", lambda *_: None)


@_mutation(
    "a log that can't be read is taken for an empty one",
    "test_a_log_that_can_not_be_read_is_refused_though_it_is_signed",
    "test_no_random_damage_of_a_signed_log_breaks_anything",
)
def _log_readable(patch: Patch) -> None:
    def lenient(data: bytes, start: int) -> Iterator[list[int]]:
        with suppress(LogError):
            yield from read_blocks(data, start)

    patch.setattr(pages, "read_blocks", lenient)
    patch.setattr(offer, "_check_header", lambda *_: None)


@_mutation(
    "any number of logs is taken",
    "test_more_logs_than_there_are_days_to_tell_of_are_refused",
)
def _number_of_logs(patch: Patch) -> None:
    patch.setattr(offer, "STATUS_TARGETS_MAX", 1 << 20)


@_mutation("a log is unfolded in memory", "test_a_log_of_some_kilobytes_does_not_unfold_in_memory")
def _bounded_pages(patch: Patch) -> None:
    patch.setattr(pages, "_CACHED_PAGES", 1 << 30)


@_mutation(
    "any target that ends like a log is taken for one",
    "test_names_that_are_no_logs_names_are_ignored",
)
def _log_names(patch: Patch) -> None:
    patch.setattr(layout, "_LOG_TARGET", re.compile(r"\D*([0-9]+).*\.log"))


@_mutation(
    "keys are not read before they are taken over",
    "test_denied_keys_that_can_not_be_read_are_refused_though_they_are_signed",
)
def _keys_readable(patch: Patch) -> None:
    patch.setattr(sync, "_check_keys", lambda _: None)


@_mutation("denied keys may be missing", "test_a_publication_without_the_denied_keys_is_refused")
def _denied_published(patch: Patch) -> None:
    original = offer._document

    def document(updater: Updater, *others: Any) -> bytes:
        if roles.DENIED_TARGET in others and updater.get_targetinfo(roles.DENIED_TARGET) is None:
            return roles.json_bytes({"denied": []})
        return original(updater, *others)

    patch.setattr(offer, "_document", document)


# What the online key may say


@_mutation(
    "a delegation counts for every path",
    "test_pass_keys_that_only_the_online_role_lists_are_not_published",
)
def _paths(patch: Patch) -> None:
    patch.setattr(DelegatedRole, "is_delegated_path", lambda *_: True)


@_mutation(
    "the last role that names a target is believed, and not the first that may",
    "test_pass_keys_that_the_online_role_lists_are_ignored",
    "test_the_online_role_can_not_delegate_the_pass_keys_further",
)
def _first_role(patch: Patch) -> None:
    def walk(updater: Any, path: str) -> Any:
        found, visit = None, [("targets", "root")]
        while visit:
            role, parent = visit.pop()
            signed = updater._load_targets(role, parent)
            found = signed.targets.get(path) or found
            visit += [(child, role) for child in (signed.delegations.roles if signed.delegations else ())]
        return found

    patch.setattr(Updater, "_preorder_depth_first_walk", walk)


# Old and new


def _forget(patch: Patch, method: str, role: str) -> None:
    """Make TrustedMetadataSet forget a role before it checks another."""
    original = getattr(TrustedMetadataSet, method)

    def update(held: Any, data: bytes, **kwargs: Any) -> Any:
        held._trusted_set.pop(role, None)
        return original(held, data, **kwargs)

    patch.setattr(TrustedMetadataSet, method, update)


@_mutation(
    "a timestamp is not compared with the one held",
    "test_an_older_timestamp_is_refused",
    "test_an_older_timestamp_is_refused_even_if_the_one_held_has_expired",
    "test_no_role_of_the_online_key_goes_back_in_its_version",
    "test_another_timestamp_of_the_version_held_changes_nothing",
    "test_after_a_fast_forward_honest_publications_are_refused_as_older",
)
def _timestamp_held(patch: Patch) -> None:
    _forget(patch, "update_timestamp", Timestamp.type)


@_mutation(
    "a snapshot is not compared with the one held",
    "test_no_role_of_the_online_key_goes_back_in_its_version",
    "test_older_targets_are_refused_though_the_online_key_names_them",
    "test_a_snapshot_that_leaves_a_document_out_is_refused",
)
def _snapshot_held(patch: Patch) -> None:
    _forget(patch, "update_snapshot", Snapshot.type)


@_mutation(
    "neither timestamp nor snapshot is compared with the one held",
    "test_an_older_publication_as_a_whole_is_refused",
)
def _anything_held(patch: Patch) -> None:
    _timestamp_held(patch)
    _snapshot_held(patch)


@_mutation(
    "a document need not be of the version it was named with",
    "test_a_document_under_another_version_than_its_own_is_refused",
)
def _version_named(patch: Patch) -> None:
    original = TrustedMetadataSet.update_delegated_targets

    def update(trusted: Any, data: bytes, role: str, delegator: str) -> Any:
        try:
            return original(trusted, data, role, delegator)
        except tuf_errors.BadVersionNumberError:
            trusted._add(role, Metadata.from_bytes(data).signed, delegator)
            return trusted[role]

    patch.setattr(TrustedMetadataSet, "update_delegated_targets", update)
    patch.setattr(TrustedMetadataSet, "_check_final_snapshot", lambda _: None)


def _never_expires(patch: Patch, kind: type) -> None:
    patch.setattr(kind, "is_expired", lambda *_: False)


@_mutation(
    "a root never expires",
    "test_a_server_that_stands_still_is_refused_when_its_documents_expire",
    "test_an_expired_root_is_refused_if_no_later_one_is_there",
)
def _root_expiry(patch: Patch) -> None:
    _never_expires(patch, Root)


@_mutation(
    "a timestamp never expires",
    "test_a_server_that_stands_still_is_refused_when_its_documents_expire",
    "test_an_expired_document_of_the_online_key_is_refused",
)
def _timestamp_expiry(patch: Patch) -> None:
    _never_expires(patch, Timestamp)


@_mutation("a snapshot never expires", "test_an_expired_document_of_the_online_key_is_refused")
def _snapshot_expiry(patch: Patch) -> None:
    _never_expires(patch, Snapshot)


@_mutation(
    "targets and status never expire",
    "test_an_expired_document_of_the_online_key_is_refused",
    "test_expired_targets_are_refused",
)
def _targets_expiry(patch: Patch) -> None:
    _never_expires(patch, Targets)


@_mutation(
    "the time of publication is taken for now where it is missing",
    "test_a_timestamp_that_does_not_say_when_it_was_published_is_refused",
)
def _published(patch: Patch) -> None:
    original = roles.published_at
    patch.setattr(roles, "published_at", lambda timestamp: original(timestamp) or int(time.time()))


@_mutation(
    "any number is taken for a time of publication",
    "test_a_publication_from_no_year_that_can_be_is_refused",
)
def _published_bounds(patch: Patch) -> None:
    patch.setattr(roles, "published_at", lambda timestamp: timestamp.unrecognized_fields.get(roles.PUBLISHED))


@_mutation(
    "lists are never too old",
    "test_a_frozen_publication_that_has_not_expired_makes_the_lists_stale",
    "test_a_publication_that_is_new_to_the_device_but_old_makes_the_lists_stale",
    "test_a_device_enrolled_in_front_of_a_frozen_server_says_stale",
)
def _freshness(patch: Patch) -> None:
    patch.setattr(_VERIFY, "_check_freshness", lambda *_: None)


@_mutation(
    "the clock is not compared with the publication",
    "test_a_publication_from_the_far_future_accepts_nothing_and_the_next_honest_one_mends_it",
)
def _clock(patch: Patch) -> None:
    patch.setattr(_VERIFY, "_check_clock", lambda *_: None)


@_mutation(
    "a day without a list has nobody revoked",
    "test_a_publication_without_todays_log_leaves_its_passes_unknown_and_never_valid",
)
def _list_there(patch: Patch) -> None:
    original = _VERIFY._check_status

    def check(pass_: Any, lists: Any, freshness: Any) -> None:
        if pass_.day in lists.days:
            original(pass_, lists, freshness)

    patch.setattr(_VERIFY, "_check_status", check)


@_mutation("withdrawn keys are good", "test_a_key_that_the_online_role_denies_is_refused_until_it_no_longer_does")
def _withdrawn(patch: Patch) -> None:
    patch.setattr(KeySet, "withdrawn", lambda *_: None)


# All or nothing


@_mutation(
    "what python-tuf had believed stays on the device though the sync failed",
    "test_versions_of_documents_that_do_not_exist_are_not_remembered",
    "test_a_file_that_is_missing_is_named_and_nothing_is_taken_over",
)
def _all_or_nothing(patch: Patch) -> None:
    stores: list[Store] = []
    held, persist = Store.held, Updater._persist_metadata

    def note(store: Store) -> Any:
        stores.append(store)
        return held(store)

    def keep(updater: Updater, role: str, data: bytes) -> None:
        persist(updater, role, data)
        db = stores[-1]._db
        believed = {**schema.documents(db, "metadata"), role: data}
        schema.put_documents(db, "metadata", believed)
        schema.put_facts(db, versions=schema.versions(believed))
        schema.put_seal(db)

    patch.setattr(Store, "held", note)
    patch.setattr(Updater, "_persist_metadata", keep)


@_mutation(
    "a sync that failed moves the time of the last sync",
    "test_a_file_that_is_missing_is_named_and_nothing_is_taken_over",
    "test_an_error_in_place_of_the_timestamp_is_told_by_its_number",
)
def _time_of_sync(patch: Patch) -> None:
    original = sync.sync

    def moving(store: Store, **kwargs: Any) -> Any:
        try:
            return original(store, **kwargs)
        except SyncError:
            schema.put_facts(store._db, synced_at=schema.facts(store._db)["synced_at"] + 1)
            schema.put_seal(store._db)
            raise

    patch.setattr(sync, "sync", moving)


# What comes over the wire


@_mutation(
    "documents are read however long they are",
    "test_a_body_without_end_is_read_up_to_its_bound",
    "test_a_terabyte_on_a_stick_is_read_up_to_its_bound",
    "test_chunks_without_end_are_read_up_to_the_bound",
    "test_content_of_another_length_is_refused",
)
def _document_bound(patch: Patch) -> None:
    original = sources.Source.download_bytes
    patch.setattr(sources.Source, "download_bytes", lambda source, url, _: original(source, url, _MUCH))


@_mutation(
    "targets are read however long they are",
    "test_a_body_without_end_is_read_up_to_its_bound",
    "test_a_terabyte_on_a_stick_is_read_up_to_its_bound",
    "test_chunks_without_end_are_read_up_to_the_bound",
    "test_content_of_another_length_is_refused",
)
def _target_bound(patch: Patch) -> None:
    original = sources.Source.fetch_rest

    def much(source: sources.Source, name: str, held: bytes, _: int, *keep: Any) -> bytes:
        return original(source, name, held, _MUCH, *keep)

    patch.setattr(sources.Source, "fetch_rest", much)


@_mutation(
    "how long a target was signed to be is not looked at before",
    "test_a_log_or_a_document_signed_as_too_long_is_not_even_asked_for",
)
def _signed_bound(patch: Patch) -> None:
    original = offer._target
    patch.setattr(offer, "_target", lambda updater, name, _: original(updater, name, 1 << 62))


@_mutation(
    "an answer that is no file is read to its end",
    "test_an_answer_without_end_that_is_no_file_is_left_at_once",
)
def _left(patch: Patch) -> None:
    close = urllib3.HTTPResponse.close

    def drain(response: urllib3.HTTPResponse) -> None:
        response.drain_conn()
        close(response)

    patch.setattr(urllib3.HTTPResponse, "close", drain)


@_mutation(
    "there is no deadline for a file",
    "test_a_slow_stream_of_a_long_file_is_left_after_the_time_for_a_file",
    "test_an_answer_that_drips_is_left_after_the_time_for_a_file",
)
def _deadline(patch: Patch) -> None:
    patch.setattr(web._Sockets, "cut", lambda _: None)


@_mutation(
    "a connection is noted only when it stands, and TLS takes its time before that",
    "test_a_tls_handshake_that_drips_is_left_after_the_time_for_a_file",
)
def _handshake(patch: Patch) -> None:
    def pool_class(kind: Any, sockets: Any) -> Any:
        class Connection(kind.ConnectionCls):  # type: ignore[misc]
            def connect(self) -> None:
                sockets.check()
                super().connect()
                sockets.note(self, self.sock)

        return type("Pool", (kind,), {"ConnectionCls": Connection})

    patch.setattr(web, "_pool_class", pool_class)


@_mutation(
    "a request that was cut is made again",
    "test_an_answer_that_never_comes_to_its_status_is_left_after_the_time_for_a_file",
)
def _second_try(patch: Patch) -> None:
    patch.setattr(web._Sockets, "check", lambda _: None)


@_mutation(
    "that the time was over is not told from an end or an error",
    "test_the_message_of_what_was_too_slow_says_so",
)
def _too_slow(patch: Patch) -> None:
    patch.setattr(web._Cut, "over", property(lambda _: False, lambda *_: None), raising=False)


@_mutation(
    "an answer that asks to retry is waited for",
    "test_an_error_page_without_end_that_asks_to_retry_is_left",
)
def _retry_after(patch: Patch) -> None:
    original = urllib3.Retry
    patch.setattr(urllib3, "Retry", lambda **kwargs: original(**kwargs | {"respect_retry_after_header": True}))


def _open_anything(medium: folder.LocalFolder, name: str, start: int) -> tuple[int, Generator[bytes]]:
    try:
        file = (medium._root / name).open("rb")
    except FileNotFoundError as e:
        raise tuf_errors.DownloadHTTPError(f"there is no {name}", 404) from e
    if start:
        file.seek(start)
    return start, (chunk for chunk in iter(lambda: file.read(65536), b""))


@_mutation("whatever is in a folder is opened", "test_what_is_no_file_on_a_stick_is_not_opened")
def _regular(patch: Patch) -> None:
    patch.setattr(folder.LocalFolder, "open", _open_anything)


@_mutation("names that can't be are not caught", "test_a_hash_with_a_nul_in_it_leads_nowhere")
def _names(patch: Patch) -> None:
    patch.setattr(folder.LocalFolder, "open", _open_anything)
    patch.setattr(sources.Source, "_open", lambda source, name, start: source._medium.open(name, start))


@_mutation(
    "there is no deadline for a byte",
    "test_a_server_that_falls_silent_is_left_after_the_time_for_a_byte",
)
def _patience(patch: Patch) -> None:
    patch.setattr(urllib3, "Timeout", lambda **_: None)


def _requests(patch: Patch, change: Callable[[Any, dict[str, Any]], None], **more: Any) -> None:
    """Let `change` alter every answer, given the answer and the request's headers, before it is checked."""
    original = urllib3.PoolManager.request

    def request(pool: Any, method: str, url: str, **kwargs: Any) -> Any:
        response = original(pool, method, url, **{**kwargs, **more})
        change(response, kwargs["headers"])
        return response

    patch.setattr(urllib3.PoolManager, "request", request)


@_mutation("redirects are followed", "test_a_redirect_is_not_followed_though_it_leads_to_the_right_files")
def _redirects(patch: Patch) -> None:
    _requests(patch, lambda *_: None, redirect=True, retries=urllib3.Retry(3))


@_mutation(
    "an answer's status is not looked at",
    "test_an_error_in_place_of_the_timestamp_is_told_by_its_number",
    "test_a_part_of_a_file_that_was_asked_for_whole_is_refused",
)
def _status(patch: Patch) -> None:
    def fine(response: Any, headers: dict[str, Any]) -> None:
        if "Range" not in headers and not str(response.geturl()).endswith(".root.json"):
            response.status = 200

    _requests(patch, fine)


@_mutation(
    "which part of a file came is not looked at",
    "test_another_part_of_a_log_than_was_asked_for_is_refused",
)
def _range(patch: Patch) -> None:
    def right(response: Any, headers: dict[str, Any]) -> None:
        response.headers["Content-Range"] = headers.get("Range", "").replace("=", " ") + "0/*"

    _requests(patch, right)


@_mutation(
    "compressed answers are unpacked",
    "test_a_compressed_answer_is_not_unpacked",
    "test_the_rest_of_a_log_is_not_unpacked_either",
)
def _packed(patch: Patch) -> None:
    original = urllib3.HTTPResponse.read1
    unfit = web._unfit

    def lenient(response: Any, start: int) -> str:
        return "" if "compressed" in unfit(response, start) else unfit(response, start)

    patch.setattr(web, "_unfit", lenient)
    patch.setattr(urllib3.HTTPResponse, "read1", lambda response, amt, **_: original(response, amt, True))  # noqa: FBT003


@_mutation(
    "a login page is taken for a file",
    "test_a_login_page_in_place_of_every_file_is_refused",
    "test_a_login_page_with_a_status_of_its_own_is_named",
)
def _login_page(patch: Patch) -> None:
    patch.setattr(web, "_LOGIN", "")
    patch.setattr(web, "_HINTS", {})


@_mutation(
    "what is named a web page is taken for one",
    "test_a_file_that_is_served_as_a_web_page_is_no_login_page",
)
def _named_a_page(patch: Patch) -> None:
    def refuse(response: Any, _: dict[str, Any]) -> None:
        if response.headers.get("Content-Type") == "text/html":
            raise tuf_errors.DownloadError("a web page")

    _requests(patch, refuse)


@_mutation(
    "that a server has no such part of a file is the end",
    "test_where_a_server_says_that_a_log_has_no_such_rest_the_whole_is_asked_for",
)
def _no_such_range(patch: Patch) -> None:
    patch.setattr("movepass_verifier.sync.sources.source.NO_SUCH_RANGE", 0)


@_mutation(
    "errors of the network's library are not put into words",
    "test_an_answer_that_is_not_http_is_refused",
    "test_a_length_in_the_header_that_is_not_the_bodys_is_refused",
)
def _network_errors(patch: Patch) -> None:
    def as_it_is(error: Exception) -> Exception:
        raise error

    patch.setattr(web, "_download_error", as_it_is)


# Packs


@_mutation(
    "a pack that can't be fetched or read is the end",
    "test_a_hostile_answer_for_a_pack_costs_one_request",
    "test_a_pack_that_never_comes_is_left_after_the_time_for_an_answer",
)
def _packs_may_fail(patch: Patch) -> None:
    class Never(Exception):  # noqa: N818 - nothing raises it
        pass

    patch.setattr(packs, "DownloadError", Never)
    patch.setattr(packs, "PackError", Never)
