#!/usr/bin/env python3
"""Verifies a ledger of pathproof (docs/ledger-format.md) with Python's standard library and openssl, and shares no code with it.

    python3 verify-ledger.py DIRECTORY [--key VKEY]... [--anchor CHECKPOINT_FILE]...

Exit code 0: intact, complete and signed by a given key; 4: intact, with the doubts that are printed; 3: it was changed;
1: a newer program wrote it.
`--batch`: the directories stand on standard input, one a line; for each, one line is printed: the code, and what is said."""
import base64, functools, gzip, hashlib, json, os, re, subprocess, sys, tempfile

class Newer(Exception): pass

def must(so, otherwise):
    if not so: raise ValueError(otherwise)

sha = lambda data: hashlib.sha256(data).digest()
node = lambda left, right: sha(b"\1" + left + right)  # RFC 6962, 2.1

def add(tree, leaf):  # A tree is its size and the hashes of its perfect subtrees, largest first.
    size, hashes = tree[0], list(tree[1])
    while size % 2: leaf, size = node(hashes.pop(), leaf), size // 2
    return tree[0] + 1, hashes + [leaf]

def root(tree): return functools.reduce(lambda right, left: node(left, right), reversed(tree[1])) if tree[1] else sha(b"")

@functools.lru_cache(4096)
def ed25519(key, text, signature):  # By openssl, with files: its Ed25519 reads no pipes.
    with tempfile.TemporaryDirectory() as d:
        for name, data in ("k", bytes.fromhex("302a300506032b6570032100") + key), ("t", text), ("s", signature):
            with open(f"{d}/{name}", "wb") as file: file.write(data)
        return subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", f"{d}/k", "-rawin",
                               "-in", f"{d}/t", "-sigfile", f"{d}/s"], capture_output=True).returncode == 0

def base64bytes(text):
    data = base64.b64decode(text, validate=True)
    must(base64.b64encode(data).decode() == text, "base64 in another form")
    return data

def vkey(text):  # c2sp.org/signed-note
    name, key_id, data = text.split("+", 2)
    raw = base64bytes(data)
    must(len(raw) == 33 and raw[0] == 1 and sha(name.encode() + b"\n" + raw)[:4].hex() == key_id, f"{text} is no verifier key")
    return name, bytes.fromhex(key_id), raw[1:]

def handovers(directory, firsts):  # Second lines of segments in which two keys sign that one follows the other: (number, root, from, to)
    found = []
    for first in firsts:
        try:
            path = f"{directory}/segments/{first:016}.jsonl"
            with open(path, "rb") if os.path.exists(path) else gzip.open(path + ".gz") as file: lines = [file.readline(65536) for _ in (1, 2)]
            origin, record = json.loads(lines[0])["body"]["origin"], json.loads(lines[1])
            one, other, note = (record["body"][k] for k in ("from", "to", "note"))
            text, sigs = note.rsplit("\n\n", 1)
            head, size, root64, *rest = text.split("\n")
            must((record["kind"], head, rest) == ("handover", f"{origin} key hand-over", [one, other]) and one != other, "no hand-over")
            must(record["seq"] == int(size) == first + 1, "a hand-over of another place")
            for name, key_id, public in (vkey(one), vkey(other)):
                sig = next(s for s in (base64bytes(l.split(" ")[2]) for l in sigs.strip().split("\n") if l.split(" ")[1] == name) if s[:4] == key_id)
                must(ed25519(public, text.encode() + b"\n", sig[4:]), "wrong signature")
            found.append((first + 1, base64bytes(root64), vkey(one), vkey(other)))
        except Exception: pass  # Where a record of this kind stands and is not among these, it is told below.
    retired = []
    for over in list(found):  # A key that was handed over can hand over nothing more, unless it came back.
        if over[2] in retired: found.remove(over)
        else: retired = [k for k in retired + [over[2]] if k != over[3]]
    return found

def in_force(keys, chain):  # By size: keys that handed over count only for their own records.
    trusted, size = list(keys), -1
    while size != len(trusted):
        size = len(trusted)
        linked = [h for h in chain if h[2] in trusted or h[3] in trusted]
        for h in linked: trusted += [k for k in h[2:] if k not in trusted]
    handed = [k for h in linked for k in h[2:]]
    return lambda n: [k for k in keys if k not in handed] + ([h[3] for h in linked if h[0] < n][-1:] or [h[2] for h in linked[:1]])

def checkpoint(data, keys_at):  # c2sp.org/tlog-checkpoint: (origin, size, root, whether a key that counts signed it)
    must(not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", data), "control character in a checkpoint")
    body, tail = data.decode().rsplit("\n\n", 1)
    must(tail.endswith("\n"), "no signature line")
    signed, text = False, body + "\n"
    origin, size, hash64, *extra = body.split("\n")
    must(origin and re.fullmatch("0|[1-9][0-9]*", size) and len(base64bytes(hash64)) == 32 and "" not in extra, "no checkpoint")
    for line in tail[:-1].split("\n"):
        dash, name, data64 = line.split(" ")
        sig = base64bytes(data64)
        must(dash == "\u2014" and name and "+" not in name and len(sig) > 4, "malformed signature line")
        for key in (key for key in keys_at(int(size)) if key[:2] == (name, sig[:4])):
            must(len(sig) == 68 and ed25519(key[2], text.encode(), sig[4:]), "wrong signature")
            signed = True
    return origin, int(size), base64bytes(hash64), signed

def read(*path):
    with open(os.path.join(*path), "rb") as file: return file.read()

def verify(directory, keys, anchors):
    """Gives the doubts; raises ValueError (or what else broken input raises) where something was changed."""
    names = lambda folder, form: sorted(n for n in os.listdir(f"{directory}/{folder}") if re.fullmatch(form, n)) if os.path.isdir(f"{directory}/{folder}") else []
    firsts = sorted({int(n[:16]) for n in names("segments", r"\d{16}\.jsonl(\.gz)?")})
    chain = handovers(directory, firsts)
    keys_at = in_force(keys, chain)
    doubts, notes = [] if keys else ["signer not verified"], [checkpoint(read(directory, "checkpoints", n), keys_at) for n in names("checkpoints", r"\d{16}\.note")]
    must(names("checkpoints", r"\d{16}\.note") == [f"{size:016}.note" for _, size, _, _ in notes], "a checkpoint under another name")
    signed = max([size for _, size, _, ok in notes if ok or not keys], default=0)
    must(not keys or not notes or notes[-1][3], "the newest checkpoint is signed by none of the given keys")
    if keys and any(not ok for _, _, _, ok in notes): doubts.append("checkpoints of other signers")
    newest = max([size for _, size, _, _ in notes], default=0)
    must(firsts, "there is no ledger")
    kept = [checkpoint(read(a), keys_at) for a in anchors]
    wanted = {size for _, size, _, _ in notes + kept}
    over = {seq: expected for seq, expected, _, _ in chain}
    tree, prev, before, origin, roots, seals, packed, pruned, aside = None, None, None, None, {}, {}, {}, 0, []
    for first in firsts:
        path = f"{directory}/segments/{first:016}.jsonl"
        if os.path.exists(path + ".gz"): packed[first] = sha(read(path + ".gz")).hex(), os.path.getsize(path + ".gz")
        data = read(path) if os.path.exists(path) else gzip.decompress(read(path + ".gz"))
        count = end = 0
        while end < len(data):
            stop = data.find(b"\n", end)
            line = data[end:stop] if stop >= 0 else b""
            try:
                record = json.loads(line)
                if record["v"] > 1 and count == 0: raise Newer(f"format version {record['v']} is newer than this verifier")
                must(record["v"] == 1, f"record {tree[0] if tree else first} is of another version than its segment")
                body, kind = record["body"], record["kind"]
                if count == 0:
                    claimed = first, [bytes.fromhex(h) for h in body["frontier"]]
                    must(kind == "segment" and len(claimed[1]) == bin(first).count("1"), "no first line of a segment")
                    origin, tree, prev = origin or body["origin"], tree or claimed, prev or record["prev"]
                    must((body["origin"], claimed, record["prev"]) == (origin, tree, prev), f"segment {first} does not follow")
                    must(before is None or body["previous"] == before, f"segment {first} tells otherwise of the one before")
                    must(first or (body["previous"] is None and prev == "0" * 64), "not the beginning of a ledger")
                    must(body["checkpoint"] is None or body["checkpoint"] in [n[1] for n in notes], "a checkpoint is missing")
                    if first in wanted: roots[first] = root(tree)
                must((record["seq"], record["prev"], kind == "segment") == (tree[0], prev, count == 0), f"record {tree[0]} does not follow")
            except (ValueError, KeyError, TypeError):
                # At the end, beyond every checkpoint, a crash leaves the same behind.
                if first != firsts[-1] or not os.path.exists(path) or (tree[0] if tree else first) < newest: raise
                doubts.append(f"torn: {len(data) - end} bytes behind record {tree[0] if tree else first}")
                break
            must(kind != "handover" or over.get(record["seq"]) == root(tree), f"record {record['seq']} hands the key over, and is not signed by both for this place")
            tree, prev, count, end = add(tree, sha(b"\0" + line)), sha(line).hex(), count + 1, stop + 1
            if tree[0] in wanted: roots[tree[0]] = root(tree)
            if kind == "seal": seals[body["first"]] = body
            if kind == "prune" and record["seq"] < signed: pruned = max(pruned, body["through"])
            if kind == "recovery": aside += body["cut"]
            if kind in ("recovery", "damage") or (kind == "gap" and body["lost"]): doubts.append(f"{kind} in record {record['seq']}")
        must(count or first == firsts[-1], f"segment {first} is empty")
        before = {"first": first, "count": count, "bytes": end, "sha256": sha(data[:end]).hex()}
        if first in packed: packed[first] += before["sha256"], count
    must(tree and firsts[0] <= pruned, f"records {pruned} to {firsts[0] - 1} are missing")
    for first, seen in packed.items():
        must(seen == tuple(seals[first][k] for k in ("gzipSha256", "gzipBytes", "sha256", "count")), f"segment {first} is not as it was sealed")
    for cut in aside: must(sha(read(directory, "recovered", os.path.basename(cut["file"]))).hex() == cut["sha256"], "bytes kept aside were changed")
    for name, (other, size, expected, ok) in [("", note) for note in notes] + [("anchor ", note) for note in kept]:
        if name and keys and not ok: doubts.append("an anchor is signed by none of the given keys"); continue
        must(other == origin and size <= tree[0], f"{name}checkpoint over {size} records, and there are {tree[0]} of {origin}")
        must(roots.get(size, expected) == expected, f"{name}checkpoint over {size} does not fit the records")
        if name and size not in roots: doubts.append("an anchor is older than the oldest record")
    if tree[0] > signed: doubts.append(f"unsigned tail: {tree[0] - signed}")
    return doubts

def result(directory, keys, anchors):
    try: doubts = verify(directory, keys, anchors)
    except Newer as error: return 1, [str(error)]
    except Exception as error: return 3, [f"tampered: {error or type(error).__name__}"]
    return (4 if doubts else 0), doubts or ["ok"]

if __name__ == "__main__":
    given = {"--key": [], "--anchor": [], "--batch": [], "": []}
    arguments = iter(sys.argv[1:])
    for word in arguments: given[word if word in given else ""].append(next(arguments) if word in ("--key", "--anchor") else word)
    keys = [vkey(text) for text in given["--key"]]
    if given["--batch"]:
        for line in sys.stdin:
            code, said = result(line.rstrip("\n"), keys, given["--anchor"])
            print(code, *("; ".join(said).splitlines()), flush=True)
    else:
        code, said = result(given[""][0], keys, given["--anchor"])
        print("\n".join(said))
        sys.exit(code)
