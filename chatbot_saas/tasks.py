"""What the worker does for the whole product."""

from __future__ import annotations

from celery import shared_task

from chatbot_saas.data import deletion, export


@shared_task
def build_export(export_id: int) -> None:
    export.build(export_id)


@shared_task
def sweep_exports() -> None:
    for export_id in export.abandoned():
        build_export.delay(export_id)
    export.expire_old()


@shared_task
def delete_due_clients() -> None:
    for client_id in deletion.due():
        delete_client.delay(client_id)


@shared_task
def delete_client(client_id: int) -> None:
    deletion.delete_if_due(client_id)
