"""Git: names of revisions, trees laid out from objects, the working tree beside HEAD, signed commits."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.fleet_git import GitRepository

from edgewright.kernel.diagnostics import EdgewrightError, ExitCode
from edgewright.load.git import (
    Limits,
    SignatureStatus,
    changes,
    find_git,
    head,
    is_dirty,
    materialise,
    merge_base,
    resolve,
    verify_commit,
)

HOSTILE_NAMES = [
    "--upload-pack=touch pwned",
    "-oProxyCommand=touch pwned",
    "$(touch pwned)",
    "; touch pwned",
    "`touch pwned`",
    "main\ntouch pwned",
    "main\0",
    "..",
    "../../etc/passwd",
    "main:fleet.yaml",
    "main..other",
    "^main",
    "{{ lookup('pipe', 'touch pwned') }}",
    "",
    "x" * 10_000,
]


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    made = GitRepository(tmp_path / "repository")
    made.commit({"fleet.yaml": "one\n", "data/questions.jsonl": "{}\n", "run.sh": "#!/bin/sh\n"}, "first: a fleet")
    return made


def slugs(error: pytest.ExceptionInfo[EdgewrightError]) -> list[str]:
    return [diagnostic.slug for diagnostic in error.value.diagnostics]


def files_of(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_branch_a_tag_and_an_abbreviation_name_the_same_commit(repository: GitRepository) -> None:
    repository.git("tag", "-a", "v1", "-m", "tag")
    commit = resolve(repository.root, "main")
    assert {resolve(repository.root, name) for name in ("v1", "HEAD", commit.id, commit.short_id)} == {commit}
    assert commit.subject == "first: a fleet"
    assert commit.authored == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert head(repository.root) == commit


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_name_is_no_revision_and_nothing_runs(repository: GitRepository, name: str) -> None:
    with pytest.raises(EdgewrightError) as error:
        resolve(repository.root, name)
    assert slugs(error) == ["unknown-revision"]
    assert error.value.exit_code == ExitCode.USAGE
    assert error.value.diagnostics[0].message.isprintable()
    assert not list(repository.root.parent.rglob("pwned"))


def test_a_branch_with_shell_characters_is_a_branch_like_any_other(repository: GitRepository) -> None:
    for name in ("$(touch-pwned)", "a;touch-pwned", "a`b`", "a'b\"c"):
        repository.git("branch", "--", name)
        assert resolve(repository.root, name).id == resolve(repository.root, "main").id
    assert not list(repository.root.rglob("*pwned*.yaml"))


def test_an_unknown_revision_names_the_closest_branch(repository: GitRepository) -> None:
    repository.git("branch", "release-2026")
    with pytest.raises(EdgewrightError) as error:
        resolve(repository.root, "relaese-2026")
    assert error.value.diagnostics[0].hint == "did you mean 'release-2026'?"


def test_a_branch_that_only_the_remote_has_is_suggested(repository: GitRepository, tmp_path: Path) -> None:
    repository.git("branch", "stable")
    subprocess.run(["git", "clone", "-q", repository.root, tmp_path / "clone"], check=True)
    with pytest.raises(EdgewrightError) as error:
        resolve(tmp_path / "clone", "stable")
    assert error.value.diagnostics[0].hint == "did you mean 'origin/stable'?"


def test_a_shallow_clone_that_lacks_the_base_says_how_to_fetch_it(repository: GitRepository, tmp_path: Path) -> None:
    first = repository.git("rev-parse", "HEAD")
    repository.commit({"fleet.yaml": "two\n"})
    subprocess.run(["git", "clone", "-q", "--depth=1", f"file://{repository.root}", tmp_path / "clone"], check=True)
    with pytest.raises(EdgewrightError) as error:
        resolve(tmp_path / "clone", first)
    assert slugs(error) == ["shallow-clone"]
    assert "fetch-depth: 0" in str(error.value.diagnostics[0].hint)


def test_outside_git_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(EdgewrightError) as error:
        resolve(tmp_path, "main")
    assert slugs(error) == ["not-a-git-repository"]
    assert head(tmp_path) is None
    assert changes(tmp_path) == ()


def test_a_folder_that_the_repository_around_it_ignores_is_outside_git(repository: GitRepository) -> None:
    repository.commit({".gitignore": "/work/\n"})
    repository.write({"work/fleet/fleet.yaml": "mine\n"})
    assert find_git(repository.root / "work" / "fleet") is None
    repository.git("add", "--force", "work/fleet/fleet.yaml")
    assert find_git(repository.root / "work" / "fleet") is not None


def test_without_git_the_missing_tool_is_named(repository: GitRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(repository.root))
    with pytest.raises(EdgewrightError) as error:
        resolve(repository.root, "main")
    assert slugs(error) == ["missing-tool"]
    assert error.value.exit_code == ExitCode.MISSING


def test_where_two_branches_parted(repository: GitRepository) -> None:
    start = resolve(repository.root, "HEAD")
    repository.git("switch", "--quiet", "--create", "topic")
    repository.commit({"fleet.yaml": "topic\n"})
    repository.git("switch", "--quiet", "main")
    repository.commit({"other.yaml": "main\n"})
    assert merge_base(repository.root, resolve(repository.root, "main"), resolve(repository.root, "topic")) == start


def test_a_commit_is_laid_out_from_objects_whatever_the_working_tree_has(
    repository: GitRepository, tmp_path: Path
) -> None:
    repository.write({"fleet.yaml": "edited\n"})
    revision = materialise(repository.root, resolve(repository.root, "main"), tmp_path / "out")
    assert files_of(tmp_path / "out") == {
        "fleet.yaml": b"one\n",
        "data/questions.jsonl": b"{}\n",
        "run.sh": b"#!/bin/sh\n",
    }
    assert revision.files == 3
    assert stat.S_IMODE((tmp_path / "out" / "run.sh").stat().st_mode) & 0o111 == 0


def test_a_fleet_repository_may_be_a_folder_of_a_larger_one(repository: GitRepository, tmp_path: Path) -> None:
    repository.commit({"fleets/north/blueprint.yaml": "north\n", "fleets/south/blueprint.yaml": "south\n"})
    (repository.root / "elsewhere.yaml").symlink_to("/etc/passwd")
    commit = repository.commit()
    root = repository.root / "fleets" / "north"
    materialise(root, resolve(root, commit), tmp_path / "out")
    assert files_of(tmp_path / "out") == {"blueprint.yaml": b"north\n"}
    with pytest.raises(EdgewrightError) as error:
        materialise(root, resolve(root, f"{commit}~2"), tmp_path / "older")
    assert slugs(error) == ["git-no-folder"]


def test_hidden_folders_and_those_that_tools_fill_are_no_part_of_it(repository: GitRepository, tmp_path: Path) -> None:
    repository.write({".github/x.yaml": "x", "dist/a/b.yaml": "x", "node_modules/p/q.yaml": "x"})
    (repository.root / ".github" / "link").symlink_to("/etc/passwd")
    commit = resolve(repository.root, repository.commit())
    materialise(repository.root, commit, tmp_path / "out")
    assert set(files_of(tmp_path / "out")) == {"fleet.yaml", "data/questions.jsonl", "run.sh"}


def test_links_and_submodules_are_refused_with_their_paths(repository: GitRepository, tmp_path: Path) -> None:
    link, blob = repository.blob(b"/etc/passwd"), repository.blob(b"a: 1\n")
    tree = repository.git("mktree", "-z", stdin=f"120000 blob {link}\tlink.yaml\0".encode())
    commit = repository.commit_tree(
        [
            ("100644", blob, b"fleet.yaml"),
            ("120000", link, b"policy.yaml"),
            ("160000", repository.git("rev-parse", "HEAD"), b"vendor"),
            ("040000", tree, b"blueprints"),
        ]
    )
    with pytest.raises(EdgewrightError) as error:
        materialise(repository.root, resolve(repository.root, commit), tmp_path / "out")
    found = {(diagnostic.slug, diagnostic.subject) for diagnostic in error.value.diagnostics}
    assert found == {
        ("git-link", "blueprints/link.yaml"),
        ("git-link", "policy.yaml"),
        ("git-submodule", "vendor"),
    }
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "name",
    [
        b"caf\xe9.yaml",
        b"two\nlines.yaml",
        b"tab\there.yaml",
        b"back\\slash.yaml",
        b"right\xe2\x80\xaeto-left.yaml",
        b"\x1b[31m.yaml",
        b"x" * 300,
    ],
)
def test_a_name_that_is_not_plain_is_refused(repository: GitRepository, tmp_path: Path, name: bytes) -> None:
    commit = repository.commit_tree([("100644", repository.blob(b"x"), name)])
    with pytest.raises(EdgewrightError) as error:
        materialise(repository.root, resolve(repository.root, commit), tmp_path / "out")
    assert slugs(error) == ["git-name"]
    assert error.value.diagnostics[0].message.isprintable()


def test_names_that_leave_the_folder_write_nothing(repository: GitRepository, tmp_path: Path) -> None:
    blob = repository.blob(b"stolen\n")
    for name in (b"..", b".git", b"."):
        inner = repository.git("mktree", "-z", stdin=b"100644 blob " + blob.encode() + b"\tescaped\0")
        raw = b"40000 " + name + b"\0" + bytes.fromhex(inner)
        tree = repository.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=raw)
        commit = repository.git("commit-tree", tree, "-m", "escape")
        materialise(repository.root, resolve(repository.root, commit), tmp_path / f"out-{name.hex()}")
    assert not list(tmp_path.rglob("escaped"))


def test_a_tree_that_has_a_name_twice_is_refused(repository: GitRepository, tmp_path: Path) -> None:
    blob = bytes.fromhex(repository.blob(b"x: 1\n"))
    raw = b"100644 a.yaml\0" + blob + b"100644 a.yaml\0" + blob
    tree = repository.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=raw)
    commit = repository.git("commit-tree", tree, "-m", "twice")
    with pytest.raises(EdgewrightError) as error:
        materialise(repository.root, resolve(repository.root, commit), tmp_path / "out")
    assert slugs(error) == ["git-name"]


def test_sizes_and_numbers_are_capped_before_reading(repository: GitRepository, tmp_path: Path) -> None:
    commit = resolve(repository.root, repository.commit({"weights.bin": b"w" * 5000, "big.yaml": b"a: 1\n" * 400}))
    revision = materialise(repository.root, commit, tmp_path / "out", limits=Limits(file_bytes=4000))
    assert revision.left_out == ("weights.bin",)
    assert not (tmp_path / "out" / "weights.bin").exists()
    for limits, slug in [
        (Limits(file_bytes=1000), "git-file-too-large"),
        (Limits(total_bytes=3000), "git-tree-too-large"),
        (Limits(files=3), "git-tree-too-large"),
    ]:
        with pytest.raises(EdgewrightError) as error:
            materialise(repository.root, commit, tmp_path / "refused", limits=limits)
        assert slugs(error) == [slug]
        assert not (tmp_path / "refused").exists()


def test_hooks_filters_and_programs_of_the_configuration_never_run(repository: GitRepository, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/pwned\ncat\n")
    program.chmod(0o755)
    for hook in ("post-checkout", "post-index-change", "reference-transaction", "pre-commit"):
        shutil.copy(program, repository.root / ".git" / "hooks" / hook)
    settings = {
        "core.fsmonitor": str(program),
        "core.pager": str(program),
        "core.sshCommand": str(program),
        "diff.external": str(program),
        "diff.evil.textconv": str(program),
        "filter.evil.smudge": str(program),
        "filter.evil.clean": str(program),
        "filter.evil.process": str(program),
        "gpg.program": str(program),
        "gpg.ssh.program": str(program),
        "protocol.ext.allow": "always",
        "remote.origin.url": f"ext::{program}",
        "remote.origin.promisor": "true",
    }
    (repository.root / ".gitattributes").write_text("* filter=evil diff=evil\n")
    commit = repository.commit_tree([("100644", repository.blob(b"* filter=evil\n"), b".gitattributes")])
    with (repository.root / ".git" / "config").open("a") as stream:
        for name, value in settings.items():
            section, _, key = name.rpartition(".")
            kind, _, rest = section.partition(".")
            stream.write(f'[{kind} "{rest}"]\n' if rest else f"[{kind}]\n")
            stream.write(f"\t{key} = {value}\n")
    repository.write({"fleet.yaml": "edited\n"})
    materialise(repository.root, resolve(repository.root, "main"), tmp_path / "out")
    materialise(repository.root, resolve(repository.root, commit), tmp_path / "other")
    assert changes(repository.root) == ("modified fleet.yaml",)
    verify_commit(repository.root, resolve(repository.root, "main"), b"")
    assert not (tmp_path / "pwned").exists()
    assert (tmp_path / "out" / "fleet.yaml").read_bytes() == b"one\n"


def test_replaced_objects_are_not_followed(repository: GitRepository, tmp_path: Path) -> None:
    first = repository.git("rev-parse", "HEAD")
    second = repository.commit({"fleet.yaml": "two\n"})
    repository.git("replace", first, second)
    materialise(repository.root, resolve(repository.root, first), tmp_path / "out")
    assert (tmp_path / "out" / "fleet.yaml").read_bytes() == b"one\n"


def test_what_counts_as_dirty(repository: GitRepository) -> None:
    repository.commit({".gitignore": "notes.txt\n/cache/\n"})
    repository.write({"notes.txt": "x", "cache/a.yaml": "x", "dist/a.yaml": "x", ".edgewright/ledger.db": "x"})
    os.utime(repository.root / "fleet.yaml", (0, 0))
    assert not is_dirty(repository.root)
    repository.write({"fleet.yaml": "two\n", "new.yaml": "x\n"})
    (repository.root / "run.sh").unlink()
    assert changes(repository.root) == ("modified fleet.yaml", "new new.yaml", "deleted run.sh")
    repository.git("add", "new.yaml")
    assert "new new.yaml" in changes(repository.root)


def test_a_change_of_equal_size_and_time_is_seen(repository: GitRepository) -> None:
    path = repository.root / "fleet.yaml"
    before = path.stat()
    path.write_text("two\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert changes(repository.root) == ("modified fleet.yaml",)


def test_changes_elsewhere_in_a_larger_repository_do_not_count(repository: GitRepository) -> None:
    repository.commit({"fleets/north/blueprint.yaml": "north\n"})
    repository.write({"fleet.yaml": "edited\n"})
    assert changes(repository.root / "fleets" / "north") == ()
    repository.write({"fleets/north/blueprint.yaml": "edited\n"})
    assert changes(repository.root / "fleets" / "north") == ("modified blueprint.yaml",)


def test_a_repository_with_sha256_names_is_read_alike(tmp_path: Path) -> None:
    repository = GitRepository(tmp_path / "repository", "--object-format=sha256")
    commit = resolve(repository.root, repository.commit({"fleet.yaml": "one\n"}))
    assert len(commit.id) == 64
    materialise(repository.root, commit, tmp_path / "out")
    assert files_of(tmp_path / "out") == {"fleet.yaml": b"one\n"}
    assert changes(repository.root) == ()
    repository.write({"fleet.yaml": "two\n"})
    assert changes(repository.root) == ("modified fleet.yaml",)


def test_a_second_working_tree_has_a_state_of_its_own(repository: GitRepository, tmp_path: Path) -> None:
    other = tmp_path / "other"
    repository.git("worktree", "add", "--quiet", str(other), "-b", "topic")
    repository.write({"fleet.yaml": "two\n"})
    assert (changes(other), changes(repository.root)) == ((), ("modified fleet.yaml",))
    assert resolve(other, "topic") == resolve(repository.root, "main")


@pytest.mark.skipif(os.getuid() != 0, reason="only root may give files away")
def test_a_checkout_of_another_user_is_read_as_in_ci(repository: GitRepository, tmp_path: Path) -> None:
    for path in (repository.root, *repository.root.rglob("*")):
        os.chown(path, 12345, 12345)
    refused = subprocess.run(["git", "status"], cwd=repository.root, capture_output=True, check=False)
    assert b"dubious ownership" in refused.stderr
    materialise(repository.root, resolve(repository.root, "main"), tmp_path / "out")
    assert changes(repository.root) == ()


def test_a_missing_object_is_said_and_not_taken_for_a_missing_file(repository: GitRepository, tmp_path: Path) -> None:
    commit = resolve(repository.root, "main")
    name = repository.git("rev-parse", "main:fleet.yaml")
    (repository.root / ".git" / "objects" / name[:2] / name[2:]).unlink()
    for broken in (lambda: materialise(repository.root, commit, tmp_path / "out"), lambda: changes(repository.root)):
        with pytest.raises(EdgewrightError) as error:
            broken()
        assert slugs(error) == ["git-failed"]
    tree = repository.git("rev-parse", "main:data")
    (repository.root / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    with pytest.raises(EdgewrightError) as error:
        materialise(repository.root, commit, tmp_path / "other")
    assert slugs(error) == ["git-failed"]


def test_a_repository_that_git_cannot_read_does_not_pass_for_no_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: /nonexistent\n")
    with pytest.raises(EdgewrightError) as error:
        find_git(tmp_path)
    assert slugs(error) == ["git-failed"]


def test_before_the_first_commit_everything_is_new(tmp_path: Path) -> None:
    empty = GitRepository(tmp_path / "empty")
    empty.write({"fleet.yaml": "x\n"})
    assert head(empty.root) is None
    assert changes(empty.root) == ("new fleet.yaml",)


def test_a_file_that_git_lfs_keeps_is_held_to_its_pointer(repository: GitRepository, tmp_path: Path) -> None:
    content = b"weights\n"
    digest = hashlib.sha256(content).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(content)}\n"
    commit = resolve(repository.root, repository.commit({"data/questions.jsonl": pointer}))
    revision = materialise(repository.root, commit, tmp_path / "out")
    assert revision.pointers == {"data/questions.jsonl"}
    repository.write({"data/questions.jsonl": content})
    assert changes(repository.root) == ()
    repository.write({"data/questions.jsonl": b"weighty\n"})
    assert changes(repository.root) == ("modified data/questions.jsonl",)


def signing_key(folder: Path, name: str) -> Path:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", folder / name], check=True, timeout=30
    )
    return folder / name


def signed_commit(repository: GitRepository, key: Path) -> str:
    repository.git("config", "gpg.format", "ssh")
    repository.git("config", "user.signingKey", str(key))
    return repository.commit({"fleet.yaml": f"signed with {key.name}\n"}, "signed", "--gpg-sign")


def test_a_commit_signed_by_somebody_of_the_list_names_who(repository: GitRepository, tmp_path: Path) -> None:
    ours, other = signing_key(tmp_path, "ours"), signing_key(tmp_path, "other")
    signers = b"ops@example.com " + ours.with_suffix(".pub").read_bytes()
    good = verify_commit(repository.root, resolve(repository.root, signed_commit(repository, ours)), signers)
    assert (good.status, good.principal) == (SignatureStatus.GOOD, "ops@example.com")
    assert good.is_good
    assert str(good.key).startswith("SHA256:")
    unknown = verify_commit(repository.root, resolve(repository.root, signed_commit(repository, other)), signers)
    assert (unknown.status, unknown.principal) == (SignatureStatus.UNKNOWN_KEY, None)


def test_the_list_that_the_commit_brings_is_not_asked(repository: GitRepository, tmp_path: Path) -> None:
    ours, other = signing_key(tmp_path, "ours"), signing_key(tmp_path, "other")
    repository.write({"allowed_signers": b"ops@example.com " + other.with_suffix(".pub").read_bytes()})
    repository.git("config", "gpg.ssh.allowedSignersFile", "allowed_signers")
    commit = resolve(repository.root, signed_commit(repository, other))
    signers = b"ops@example.com " + ours.with_suffix(".pub").read_bytes()
    assert verify_commit(repository.root, commit, signers).status is SignatureStatus.UNKNOWN_KEY


def test_an_unsigned_commit_and_a_forged_one_are_not_good(repository: GitRepository, tmp_path: Path) -> None:
    key = signing_key(tmp_path, "ours")
    signers = b"ops@example.com " + key.with_suffix(".pub").read_bytes()
    unsigned = resolve(repository.root, "HEAD")
    assert verify_commit(repository.root, unsigned, signers).status is SignatureStatus.UNSIGNED
    raw = repository.git("cat-file", "commit", signed_commit(repository, key))
    forged = repository.git(
        "hash-object", "-t", "commit", "-w", "--stdin", stdin=raw.replace("signed", "forged").encode() + b"\n"
    )
    assert verify_commit(repository.root, resolve(repository.root, forged), signers).status is SignatureStatus.BAD


def test_a_key_for_releases_only_does_not_sign_commits(repository: GitRepository, tmp_path: Path) -> None:
    key = signing_key(tmp_path, "ours")
    signers = b'edgewright namespaces="edgewright-release" ' + key.with_suffix(".pub").read_bytes()
    commit = resolve(repository.root, signed_commit(repository, key))
    assert not verify_commit(repository.root, commit, signers).is_good


def test_a_signature_that_is_no_ssh_signature_is_unsupported(repository: GitRepository) -> None:
    raw = repository.git("cat-file", "commit", "HEAD").replace(
        "\n\n", "\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n abc\n -----END PGP SIGNATURE-----\n\n", 1
    )
    commit = repository.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=raw.encode() + b"\n")
    found = verify_commit(repository.root, resolve(repository.root, commit), b"")
    assert found.status is SignatureStatus.UNSUPPORTED
