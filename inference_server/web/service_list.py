"""Which codes of the catalogue are services: those that the city collects, by the names of its standard."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from inference_server.domain.catalogue import Catalogue, ClassEntry
from inference_server.domain.errors import BadInput, NotFound
from inference_server.domain.policy import Policy

KIND_ATTRIBUTE: Final = "class_name"  # which of the classes that share a code


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One code that can be told of, with the classes of things that it covers."""

    code: str
    name: str
    name_en: str
    group: str
    classes: tuple[ClassEntry, ...]

    def document(self) -> dict[str, Any]:
        """The service in the list of services."""
        kinds = ", ".join(one.name_en for one in self.classes)
        return {
            "service_code": self.code,
            "service_name": self.name,
            "description": self.name_en if self.name_en == kinds else f"{self.name_en} ({kinds})",
            "metadata": bool(self._attributes),
            "type": "realtime",
            "keywords": ",".join(dict.fromkeys(word for one in self.classes for word in (one.name_zh, one.name_en))),
            "group": self.group,
        }

    def definition(self) -> dict[str, Any]:
        """The service with its attributes."""
        return {"service_code": self.code, "attributes": self._attributes}

    def class_of(self, attributes: Mapping[str, str]) -> str:
        """The class that somebody tells of; raises BadInput for attributes or values that the service does not have."""
        unknown = sorted(set(attributes) - {one["code"] for one in self._attributes})
        if unknown:
            raise BadInput(f"service {self.code} has no such attribute", field=f"attribute[{unknown[0][:40]}]")
        names = [one.class_name for one in self.classes]
        wanted = attributes.get(KIND_ATTRIBUTE, names[0])
        if wanted not in names:
            raise BadInput(f"one of {', '.join(names)}", field=f"attribute[{KIND_ATTRIBUTE}]")
        return wanted

    @property
    def _attributes(self) -> list[dict[str, Any]]:
        if len(self.classes) == 1:
            return []
        values = [{"key": one.class_name, "name": f"{one.name_zh} {one.name_en}"} for one in self.classes]
        return [
            {
                "variable": True,
                "code": KIND_ATTRIBUTE,
                "datatype": "singlevaluelist",
                "required": False,
                "datatype_description": "one of the values",
                "order": 1,
                "description": "哪一种？ Which of these is it?",
                "values": values,
            }
        ]


@dataclass(frozen=True, slots=True)
class ServiceList:
    """The services of a city, by their codes."""

    services: Mapping[str, Service]

    @classmethod
    def of(cls, policy: Policy, catalogue: Catalogue) -> "ServiceList":
        """The codes of the classes that the policy collects; a component's code is told apart by a `c` before it."""
        classes: dict[str, list[ClassEntry]] = {}
        for name, rules in policy.classes.items():
            if rules.collected and rules.code is not None:
                code = rules.code if rules.kind == "matter" else f"c{rules.code}"
                classes.setdefault(code, []).append(catalogue.of_class(name))
        found = {}
        for code, of_code in classes.items():
            rules = policy.classes[of_code[0].class_name]
            entry = catalogue.entry(policy.standard, rules.kind, rules.code or "")
            found[code] = Service(
                code=code, name=entry.name_zh, name_en=entry.name_en, group=rules.group, classes=tuple(of_code)
            )
        return cls(found)

    def service(self, code: str) -> Service:
        """One service; raises NotFound."""
        try:
            return self.services[code]
        except KeyError:
            raise NotFound("there is no service of this code", field="service_code") from None
