"""The command `lstmcast config`."""

from __future__ import annotations

import json

import click

from lstmcast.cli.options import configure


@click.command(short_help="Show a config, a job or their schema")
@click.argument("name", metavar="[NAME|FILE]", required=False)
@click.option(
    "-s",
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="One key of the config, such as train.epochs=50; repeatable.",
)
@click.option("--schema", "as_schema", is_flag=True, help="Print the JSON schema, for editors.")
@click.option("--job", "of_job", is_flag=True, help="The file is a job; with --schema, print the schema of a job.")
@click.option("--list", "as_list", is_flag=True, help="List the bundled configs.")
def config(name: str | None, settings: tuple[str, ...], *, as_schema: bool, of_job: bool, as_list: bool) -> None:
    """Validate a configuration and print it with all defaults."""
    from lstmcast.config import Config, Job, bundled_configs, load_job, schema
    from lstmcast.config.template import to_yaml

    if as_schema:
        click.echo(json.dumps(schema(Job if of_job else Config), indent=2, ensure_ascii=False))
    elif as_list:
        for key, path in bundled_configs().items():
            click.echo(f"{key:10} {path.read_text(encoding='utf-8').splitlines()[0].removeprefix('# ')}")
    elif of_job:
        click.echo(to_yaml(load_job(name or "job.yaml").model_dump(mode="json")), nl=False)
    else:
        settings_tree = configure(name, settings, {}).model_dump(mode="json")
        click.echo(to_yaml(settings_tree), nl=False)
