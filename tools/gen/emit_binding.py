"""Writes OpTable.inc of the native compiler module from the dialect's records (llvm-tblgen --dump-json): operand counts and attributes of every op."""
from __future__ import annotations

import json
import sys

# Attribute classes that Python values convert to; any other attribute cannot be given from Python.
KINDS = {
    "I64Attr": "Int", "DenseI64ArrayAttr": "Ints", "BoolAttr": "Bool", "F64Attr": "Float",
    "StrAttr": "Str", "TypeAttr": "Type", "UnitAttr": "Unit",
}


def attribute_kind(records, name):
    """(kind, required) of an attribute's def, seen through Optional, DefaultValued and Confined wrappers."""
    record, required, base = records[name], True, name
    while record:
        if record.get("isOptional") or record.get("defaultValue"):
            required = False
        if base in KINDS:
            return KINDS[base], required and base != "UnitAttr"
        for parent in record["!superclasses"]:
            if parent.startswith("TypeAttr"):
                return "Type", required
        wrapped = record.get("baseAttr")
        base = wrapped["def"] if wrapped else None
        record = records[base] if base else None
    return "Other", required


def row(records, name):
    op = records[name]
    low = high = variadic = 0
    attributes = []
    for argument, label in op["arguments"]["args"]:
        record = records[argument["def"]]
        parents = record["!superclasses"]
        if "Attr" in parents:
            kind, required = attribute_kind(records, argument["def"])
            attributes.append(f'{{"{label}", Kind::{kind}, {str(required).lower()}}}')
        elif "Variadic" in parents:
            variadic, high = variadic + 1, -1
        elif "Optional" in parents:
            variadic, high = variadic + 1, high + (high >= 0)
        else:
            low, high = low + 1, high + (high >= 0)
    infers = any(part.get("cppInterfaceName") == "InferTypeOpInterface" for trait in op["traits"] for part in parts(records, trait["def"]))
    plain = infers and variadic < 2 and not op["regions"]["args"] and not op["successors"]["args"]
    full = f'{records[op["opDialect"]["def"]]["name"]}.{op["opName"]}'
    return f'{{"{full}", {low}, {high}, {str(plain).lower()}, {{{", ".join(attributes)}}}}},'


def parts(records, trait):
    """A trait and what it is made of."""
    record = records[trait]
    yield record
    for name in ("traits", "baseInterfaces"):
        for inner in record.get(name) or []:
            yield from parts(records, inner["def"])
    if "DeclareInterfaceMethods" in record["!superclasses"] and "InferTypeOpInterface" in str(record.get("cppInterfaceName", "")):
        yield {"cppInterfaceName": "InferTypeOpInterface"}


def main(source, target):
    with open(source, encoding="utf-8") as file:
        records = json.load(file)
    rows = [row(records, name) for name in records["!instanceof"]["Op"]]
    text = "// Generated from the dialect's records.\n" + "\n".join(sorted(rows)) + "\n"
    with open(target, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
