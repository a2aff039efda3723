"""sarif - whether a log is what SARIF 2.1.0 says that it is: of the objects that reports write, by the standard's own text."""
from harness import check

# Of the objects of SARIF 2.1.0 that the report writes: the properties that must be there, and that may (OASIS, section 3.13 and following).
SARIF = {
    "log": ({"version", "runs"}, {"$schema"}),
    "run": ({"tool"}, {"results"}),
    "tool": ({"driver"}, set()),
    "driver": ({"name"}, {"version", "rules"}),
    "rule": ({"id"}, {"shortDescription", "help", "defaultConfiguration"}),
    "configuration": (set(), {"level"}),
    "result": ({"message"}, {"ruleId", "ruleIndex", "level", "occurrenceCount", "locations", "stacks", "properties"}),
    "message": ({"text"}, set()),
    "location": (set(), {"physicalLocation", "logicalLocations"}),
    "physicalLocation": ({"artifactLocation"}, {"region"}),
    "artifactLocation": (set(), {"uri"}),
    "region": (set(), {"startLine"}),
    "logicalLocation": (set(), {"fullyQualifiedName", "kind"}),
    "stack": ({"frames"}, {"message"}),
    "frame": (set(), {"location", "module"}),
    "bag": (set(), {"bytes"}),
}
# Which objects their properties are: one, or (in a list) several.
INSIDE = {("log", "runs"): ["run"], ("run", "tool"): "tool", ("run", "results"): ["result"], ("tool", "driver"): "driver", ("driver", "rules"): ["rule"],
          ("rule", "shortDescription"): "message", ("rule", "help"): "message", ("rule", "defaultConfiguration"): "configuration", ("result", "message"): "message",
          ("result", "locations"): ["location"], ("result", "stacks"): ["stack"], ("result", "properties"): "bag", ("location", "physicalLocation"): "physicalLocation",
          ("location", "logicalLocations"): ["logicalLocation"], ("physicalLocation", "artifactLocation"): "artifactLocation", ("physicalLocation", "region"): "region",
          ("stack", "frames"): ["frame"], ("stack", "message"): "message", ("frame", "location"): "location"}


def validate(kind, value, where="sarif"):
    required, allowed = SARIF[kind]
    check(isinstance(value, dict), f"{where} is no object")
    check(required <= set(value) <= required | allowed, f"{where}: {sorted(value)}")
    for key, inner in value.items():
        inside = INSIDE.get((kind, key))
        if isinstance(inside, list):
            check(isinstance(inner, list), f"{where}.{key} is no list")
            for i, item in enumerate(inner):
                validate(inside[0], item, f"{where}.{key}[{i}]")
        elif inside:
            validate(inside, inner, f"{where}.{key}")
        elif key in ("ruleIndex", "occurrenceCount", "startLine", "bytes"):
            check(isinstance(inner, int) and inner >= (key in ("occurrenceCount", "startLine")), f"{where}.{key}: {inner}")
        else:
            check(isinstance(inner, str), f"{where}.{key}: {inner}")
