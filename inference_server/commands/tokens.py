"""xuncheng tokens issue|list|revoke"""

from typing import Annotated

import typer
from pydantic import ValidationError

from inference_server.commands.record import own_record
from inference_server.commands.talk import answer, answer_json, answer_table, shell_user, talk
from inference_server.domain.errors import BadInput
from inference_server.web.admin_schema import IssuedToken, TokenIn, TokenOut
from inference_server.web.errors import describe
from inference_server.web.tokens import issue as issue_checked

app = typer.Typer(no_args_is_help=True, help="Access tokens.")
AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON lines.")]


@app.command()
def issue(
    name: Annotated[str, typer.Argument(help="Who will hold it; appears in the history of cases.")],
    scope: Annotated[
        list[str], typer.Option(help="device, cases:read, cases:write, verify, open311 or admin; may be repeated.")
    ],
    device: Annotated[str | None, typer.Option(help="Id of the device that a device token speaks for.")] = None,
    district: Annotated[
        list[str] | None, typer.Option(help="Six digits; may be repeated. Without one: the whole city.")
    ] = None,
    expires_at: Annotated[str | None, typer.Option(help="RFC 3339 time with a zone; never, if absent.")] = None,
    as_json: AsJson = False,
) -> None:
    """Issue a token. Its secret is printed this once, alone on stdout."""
    try:
        wanted = TokenIn.model_validate(
            {"name": name, "scopes": scope, "device": device, "districts": district or None, "expires_at": expires_at}
        )
    except ValidationError as error:
        raise BadInput(describe(error.errors())[1]) from error
    with own_record() as record:
        token, secret = issue_checked(record.registry, wanted, shell_user())
    if as_json:
        answer_json(IssuedToken(**TokenOut.of(token).model_dump(), secret=secret))
        return
    talk(f"token {token.id} for {name}: {', '.join(sorted(token.scopes))}. This is its secret, shown once:")
    answer(secret)


@app.command("list")
def list_tokens(as_json: AsJson = False) -> None:
    """List all tokens, the revoked ones too; never a secret."""
    with own_record() as record:
        tokens = [TokenOut.of(token) for token in record.registry.tokens()]
    if as_json:
        for token in tokens:
            answer_json(token)
        return
    rows = (
        (t.id, t.name, " ".join(t.scopes), t.device, " ".join(t.districts or ()), t.expires_at, t.revoked_at)
        for t in tokens
    )
    answer_table(("id", "name", "scopes", "device", "districts", "expires", "revoked"), rows)


@app.command()
def revoke(token_id: Annotated[str, typer.Argument(help="The id, as `tokens list` shows it.")]) -> None:
    """Revoke a token: from the next request on it opens nothing."""
    with own_record() as record:
        record.registry.revoke_token(token_id, by=shell_user())
    talk(f"token {token_id} is revoked")
