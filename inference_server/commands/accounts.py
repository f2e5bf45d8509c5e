"""xuncheng accounts add|list|change|password|disable|enable"""

import sys
from typing import Annotated

import typer

from inference_server.adapters.passwords import ArgonPasswords
from inference_server.commands.record import own_record
from inference_server.commands.talk import answer_json, answer_table, shell_user, talk
from inference_server.domain.account import Role, account_name, checked_districts
from inference_server.domain.plain import plain

app = typer.Typer(no_args_is_help=True, help="People who sign in to the console.")

Districts = Annotated[
    list[str] | None, typer.Option("--district", help="Six digits; may be repeated. Without one: the whole city.")
]
RoleName = Annotated[Role, typer.Option(help="viewer looks, reviewer answers too, operator moves cases too.")]
Name = Annotated[str, typer.Argument(help="Name to sign in with; capitals count for nothing.")]


@app.command()
def add(
    name: Name,
    role: RoleName,
    district: Districts = None,
) -> None:
    """Add an account. The password is asked for; where stdin is no terminal, it is its first line."""
    checked, districts = account_name(name), checked_districts(district or None)
    password_hash = _new_password_hash(checked)
    with own_record() as record:
        record.accounts.add(checked, role, districts, password_hash, by=shell_user())
    talk(_said(checked, role, districts))


@app.command("list")
def list_accounts(as_json: Annotated[bool, typer.Option("--json", help="Answer as JSON lines.")] = False) -> None:
    """List all accounts, the disabled ones too."""
    with own_record() as record:
        accounts = record.accounts.accounts()
    if as_json:
        for account in accounts:
            answer_json(plain(account))
        return
    rows = ((a.name, a.role.value, " ".join(a.districts or ("all",)), a.created_at, a.disabled_at) for a in accounts)
    answer_table(("name", "role", "districts", "created", "disabled"), rows)


@app.command()
def change(name: Name, role: RoleName, district: Districts = None) -> None:
    """Give an account another role or other districts; both are set anew. Whoever is signed in signs in again."""
    checked, districts = account_name(name), checked_districts(district or None)
    with own_record() as record:
        record.accounts.change(checked, role, districts, by=shell_user())
    talk(_said(checked, role, districts))


@app.command()
def password(name: Name) -> None:
    """Set another password; whoever is signed in with the old one is signed out."""
    checked = account_name(name)
    password_hash = _new_password_hash(checked)
    with own_record() as record:
        record.accounts.set_password(checked, password_hash, by=shell_user())
    talk(f"account {checked} has another password")


@app.command()
def disable(name: Name) -> None:
    """Let nobody in with this account any more, and sign out who is."""
    with own_record() as record:
        record.accounts.disable(account_name(name), by=shell_user())
    talk(f"account {account_name(name)} is disabled")


@app.command()
def enable(name: Name) -> None:
    """Take a disabled account back into use, with the password that it had."""
    with own_record() as record:
        record.accounts.enable(account_name(name), by=shell_user())
    talk(f"account {account_name(name)} may be used")


def _said(name: str, role: Role, districts: tuple[str, ...] | None) -> str:
    return f"account {name}: {role.value}, {' '.join(districts) if districts else 'the whole city'}"


def _new_password_hash(name: str) -> str:
    typed = _typed_password()
    passwords = ArgonPasswords()
    passwords.demand_good(typed, name)
    return passwords.hash(typed)


def _typed_password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    return sys.stdin.readline().rstrip("\r\n")
