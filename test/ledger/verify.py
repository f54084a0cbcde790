"""The second verifier of an evidence bundle: written from docs/verify.md, not from the first one.

Python's standard library and the command `openssl`, nothing else. The tests hold the two against each other, exit status by
exit status. It does not check the invariants I1 to I8, which change no status.

    python3 verify.py FILE.audit.json [--key VKEY]... [--media DIR]
    python3 verify.py --batch      # a JSON line each on standard input: {"bundle": base64, "keys": [], "media": {}}

0 verified, 1 tampered, 2 malformed, 3 no key pinned, 4 run is open, 5 parts are not there.
"""

import argparse
import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile

VERIFIED, TAMPERED, MALFORMED, UNPINNED, OPEN, INCOMPLETE = range(6)
MOST = 2**53 - 1
ENDINGS = {"pipeline_complete", "pipeline_error", "run_cancelled", "stage1_blocked"}

NAME = r"[!-*,-~]{1,200}"
DIGEST = r"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]="
KEY = re.compile(rf"({NAME})\+([0-9a-f]{{8}})\+(A[Q-Za-f][A-Za-z0-9+/]{{42}})")
CHECKPOINT = re.compile(
    rf"(({NAME})\n([1-9][0-9]{{0,15}})\n({DIGEST})\n)\n\u2014 ({NAME}) ([A-Za-z0-9+/]{{90}}[AEIMQUYcgkosw048]=)\n"
)
MEDIUM = re.compile(r"[0-9a-f]{64}")


class Malformed(Exception):
    pass


class Tampered(Exception):
    pass


# -- canonical JSON (RFC 8785)


def number_text(value):
    value = float(value)
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError("no JSON number")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        return sign + digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    power = point - 1
    rest = "." + digits[1:] if count > 1 else ""
    return f"{sign}{digits[0]}{rest}e{'+' if power > 0 else '-'}{abs(power)}"


def canonical(value):
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, (int, float)):
        return number_text(value)
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    names = sorted(value, key=lambda name: name.encode("utf-16-be"))
    return "{" + ",".join(f"{canonical(name)}:{canonical(value[name])}" for name in names) + "}"


def members(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member twice")
    return found


def refuse(constant):
    raise ValueError(constant)


def read_canonical(text):
    """The value, in a list so that null is one too; None for whatever is not in the one spelling."""
    try:
        value = json.loads(text, object_pairs_hook=members, parse_constant=refuse)
        if canonical(value).encode("utf-8") != text.encode("utf-8"):
            return None
        return [value]
    except (ValueError, RecursionError, OverflowError):
        return None


def read_object(text):
    read = read_canonical(text)
    return read[0] if read and isinstance(read[0], dict) else None


# -- the shape of a bundle


def need(holds):
    if not holds:
        raise Malformed()


def whole(value, least):
    need(type(value) is int and least <= value <= MOST)


def text_of(value, pattern=None):
    need(isinstance(value, str) and (pattern is None or re.fullmatch(pattern, value)))


def fields(value, names, optional=()):
    need(isinstance(value, dict))
    need(set(value) - set(optional) == set(names))


def check_event(value, may_open=True):
    fields(value, ("core", "index"), ("payload",) if may_open else ())
    text_of(value["core"])
    whole(value["index"], 0)
    if "payload" in value:
        fields(value["payload"], ("salt", "text"))
        text_of(value["payload"]["salt"], DIGEST)
        text_of(value["payload"]["text"])


def check_shape(bundle):
    fields(
        bundle,
        "format origin run events documents heads proof checkpoint key media".split(),
    )
    need(bundle["format"] == "runledger-audit/1")
    text_of(bundle["origin"], NAME)
    text_of(bundle["run"])
    need(bundle["run"] != "")
    need(isinstance(bundle["events"], list) and bundle["events"])
    need(isinstance(bundle["documents"], list))
    for event in bundle["events"] + bundle["documents"]:
        check_event(event)
    heads = bundle["heads"]
    fields(heads, ("event", "index", "path"))
    check_event(heads["event"], may_open=False)
    whole(heads["index"], 0)
    need(isinstance(heads["path"], list) and len(heads["path"]) <= 53)
    need(isinstance(bundle["proof"], list))
    for digest in heads["path"] + bundle["proof"]:
        text_of(digest, DIGEST)
    text_of(bundle["checkpoint"], CHECKPOINT)
    text_of(bundle["key"], KEY)
    need(isinstance(bundle["media"], list))
    for medium in bundle["media"]:
        fields(medium, ("sha256", "items"))
        text_of(medium["sha256"], MEDIUM)
        need(isinstance(medium["items"], list) and medium["items"])
        for item in medium["items"]:
            whole(item, 1)


# -- hashes and signatures


def sha256(data):
    return hashlib.sha256(data).digest()


def leaf_hash(data):
    return sha256(b"\x00" + data)


def node_hash(left, right):
    return sha256(b"\x01" + left + right)


def unbase64(text):
    return base64.b64decode(text, validate=True)


def base64_of(data):
    return base64.b64encode(data).decode()


def split_of(length):
    return 1 << ((length - 1).bit_length() - 1)


def root_over(size, leaves, hashes):
    """RFC 6962 over `size` leaves: (index, hash) of those that are known, the rest as hashes of subtrees from the left."""
    places = [index for index, _ in leaves]
    if places != sorted(set(places)) or not places or places[-1] >= size:
        raise Tampered("leaves")
    rest = iter(hashes)

    def root(start, length, known):
        if not known:
            return next(rest)
        if length == 1:
            return known[0][1]
        split = split_of(length)
        left = [leaf for leaf in known if leaf[0] < start + split]
        first = root(start, split, left)
        return node_hash(first, root(start + split, length - split, known[len(left) :]))

    try:
        found = root(0, size, leaves)
    except StopIteration:
        raise Tampered("too few hashes") from None
    if next(rest, None) is not None:
        raise Tampered("too many hashes")
    return found


def root_by_path(leaf, index, size, path):
    """The root to which an inclusion path leads (RFC 9162, section 2.1.3.2)."""
    if index >= size:
        raise Tampered("index")
    place, last, node = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise Tampered("path")
        if place & 1 or place == last:
            node = node_hash(sibling, node)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        place, last = place >> 1, last >> 1
    if last:
        raise Tampered("path")
    return node


def openssl_verifies(public_key, message, signature):
    """Ed25519 by the command openssl: the key as SubjectPublicKeyInfo (RFC 8410)."""
    with tempfile.TemporaryDirectory() as folder:

        def put(name, data):
            path = os.path.join(folder, name)
            with open(path, "wb") as file:
                file.write(data)
            return path

        pem = base64_of(bytes.fromhex("302a300506032b6570032100") + public_key)
        key = put("key", f"-----BEGIN PUBLIC KEY-----\n{pem}\n-----END PUBLIC KEY-----\n".encode())
        ran = subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", key, "-rawin"]
            + ["-in", put("message", message), "-sigfile", put("signature", signature)],
            capture_output=True,
            check=False,
        )
        return ran.returncode == 0


SEEN_SIGNATURES = {}


def signature_holds(*parts):
    if parts not in SEEN_SIGNATURES:
        SEEN_SIGNATURES[parts] = openssl_verifies(*parts)
    return SEEN_SIGNATURES[parts]


# -- what a bundle says


class Event:
    def __init__(self, entry):
        self.bytes = entry["core"].encode("utf-8")
        self.index = entry["index"]
        self.hash = leaf_hash(self.bytes)
        core = read_object(entry["core"])
        if core is None or type(core.get("v")) is not int or core["v"] != 1:
            raise Tampered("core")
        self.facts = core.get("facts", {})
        actor = core.get("actor", {})
        texts = [core.get(name) for name in ("stream", "type", "prev", "time")]
        if not all(isinstance(text, str) for text in texts) or type(core.get("seq")) is not int:
            raise Tampered("core")
        if not isinstance(self.facts, dict) or not isinstance(actor, dict):
            raise Tampered("core")
        self.stream, self.type, self.prev, _ = texts
        self.seq = core["seq"]
        self.recorded_by = actor.get("kind")
        commitment = core.get("payload")
        self.has_payload = (
            isinstance(commitment, dict)
            and isinstance(commitment.get("commit"), str)
            and type(commitment.get("bytes")) is int
        )
        self.opened = None
        if "payload" in entry:
            text = entry["payload"]["text"].encode("utf-8")
            salted = unbase64(entry["payload"]["salt"]) + text
            if not self.has_payload or base64_of(sha256(salted)) != commitment["commit"]:
                raise Tampered("payload")
            self.opened = read_object(entry["payload"]["text"])
            if self.opened is None or len(text) != commitment["bytes"]:
                raise Tampered("payload")

    def references(self):
        policy, config = self.facts.get("policy"), self.facts.get("config_name")
        workflow = self.facts.get("workflow_sha256")
        if isinstance(policy, dict):
            name, digest = policy.get("id"), policy.get("sha256")
            if isinstance(name, str) and isinstance(digest, str):
                yield f"policy-{name}", digest
        if isinstance(workflow, str) and isinstance(config, str):
            yield f"workflow-{config}", workflow

    def media(self):
        path = (self.opened or {}).get("file_path")
        address = re.sub(r"\A/api/media/", "", path) if isinstance(path, str) else None
        for name in {self.facts.get("sha256") if isinstance(self.facts.get("sha256"), str) else None, address}:
            if name is not None and MEDIUM.fullmatch(name):
                yield name


def check_signature(bundle, keys):
    text, origin, size, root, name, signed = CHECKPOINT.fullmatch(bundle["checkpoint"]).groups()
    key_name, key_id, typed = KEY.fullmatch(bundle["key"]).groups()
    need(int(size) <= MOST)
    public_key = unbase64(typed)
    signature = unbase64(signed)
    is_own_id = sha256(key_name.encode() + b"\n" + public_key)[:4].hex() == key_id
    if origin != bundle["origin"] or name != key_name or signature[:4].hex() != key_id or not is_own_id:
        raise Tampered("origin or key")
    if keys and bundle["key"] not in keys:
        raise Tampered("another key")
    return int(size), unbase64(root), (public_key[1:], text.encode(), signature[4:])


def check_chain(run, events):
    prev, before = base64_of(sha256(f"runledger/v1\n{run}".encode())), -1
    for place, event in enumerate(events, 1):
        if event.stream != run or event.seq != place or event.index <= before or event.prev != prev:
            raise Tampered(f"item {place}")
        prev, before = base64_of(event.hash), event.index


def check_documents(events, documents):
    """Every reference that has no readable document."""
    first = {}
    for event in events:
        for reference in event.references():
            first.setdefault(reference, event.index)
    found, readable = set(), set()
    for document in documents:
        reference = (document.stream, document.facts.get("sha256"))
        if reference not in first or reference in found or document.index >= first[reference]:
            raise Tampered("document")
        found.add(reference)
        if document.opened is not None:
            metadata = document.opened.get("metadata")
            content = metadata.get("document") if isinstance(metadata, dict) else None
            if sha256(canonical(content).encode("utf-8")).hex() != reference[1]:
                raise Tampered("document")
            readable.add(reference)
    return set(first) - readable


def check_heads(bundle, event, last):
    runs, root = event.facts.get("runs"), event.facts.get("root")
    is_statement = event.stream == "ledger" and event.type == "run_heads_recorded" and bundle["run"].startswith("run-")
    if not is_statement or type(runs) is not int or not isinstance(root, str):
        raise Tampered("heads")
    head = {"run": bundle["run"][4:], "seq": last.seq, "head": base64_of(last.hash)}
    leaf = leaf_hash(canonical(head).encode("utf-8"))
    path = [unbase64(digest) for digest in bundle["heads"]["path"]]
    if root_by_path(leaf, bundle["heads"]["index"], runs, path).hex() != root:
        raise Tampered("heads")


def check_media(bundle, events, files):
    named = {}
    for event in events:
        for digest in event.media():
            named.setdefault(digest, []).append(event.seq)
    if [{"sha256": digest, "items": named[digest]} for digest in sorted(named)] != bundle["media"]:
        raise Tampered("media")
    if any(digest != actual for digest, actual in files.items() if digest in named):
        raise Tampered("swapped medium")


def verify(data, keys, files):
    try:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            return MALFORMED
        bundle = read_object(text)
        need(bundle is not None)
        check_shape(bundle)
        size, root, signed = check_signature(bundle, keys)
        events = [Event(entry) for entry in bundle["events"]]
        documents = [Event(entry) for entry in bundle["documents"]]
        statement = Event(bundle["heads"]["event"])
        leaves = sorted((event.index, event.hash) for event in events + documents + [statement])
        if root_over(size, leaves, [unbase64(digest) for digest in bundle["proof"]]) != root:
            raise Tampered("root")
        check_chain(bundle["run"], events)
        missing = check_documents(events, documents)
        check_heads(bundle, statement, events[-1])
        check_media(bundle, events, files)
        if not signature_holds(*signed):
            raise Tampered("signature")
    except Malformed:
        return MALFORMED
    except Tampered:
        return TAMPERED
    if not keys:
        return UNPINNED
    if events[0].recorded_by != "importer" and not any(event.type in ENDINGS for event in events):
        return OPEN
    if missing or any(event.has_payload and event.opened is None for event in events):
        return INCOMPLETE
    return VERIFIED


def media_in(folder):
    files = {}
    for name in sorted(os.listdir(folder)) if folder else []:
        stem = name.split(".")[0]
        if MEDIUM.fullmatch(stem):
            with open(os.path.join(folder, name), "rb") as file:
                files[stem] = sha256(file.read()).hex()
    return files


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file", nargs="?")
    parser.add_argument("--key", action="append", default=[])
    parser.add_argument("--media")
    parser.add_argument("--batch", action="store_true")
    given = parser.parse_args()
    if given.batch:
        for line in sys.stdin:
            task = json.loads(line)
            print(verify(base64.b64decode(task["bundle"]), task["keys"], task["media"]), flush=True)
        return VERIFIED
    with open(given.file, "rb") as file:
        status = verify(file.read(), given.key, media_in(given.media))
    print("verified tampered malformed unpinned open incomplete".split()[status])
    return status


if __name__ == "__main__":
    sys.exit(main())
