import type { Integer } from "nova-compute-utils";

import type { SqlColumns } from "./row.js";

/** The columns of `block_device_mapping`, except those that may contain secrets (`connection_info`, `encryption_…`). */
export const BLOCK_DEVICE = {
    id: "integer",
    created_at: "timestamp",
    updated_at: "timestamp",
    deleted_at: "timestamp",
    deleted: "counter",
    uuid: "text",
    instance_uuid: "text",
    device_name: "text",
    source_type: "text",
    destination_type: "text",
    guest_format: "text",
    device_type: "text",
    disk_bus: "text",
    boot_index: "integer",
    delete_on_termination: "boolean",
    no_device: "boolean",
    virtual_name: "text",
    snapshot_id: "text",
    image_id: "text",
    volume_id: "text",
    volume_size: "integer",
    volume_type: "text",
    tag: "text",
    attachment_id: "text",
    encrypted: "boolean",
} as const satisfies SqlColumns;

/** The value of a column. */
type ValueOf<Type> = Type extends "boolean" ? boolean | null : Type extends "integer" ? Integer | null : string | null;

/**
 * A row of `block_device_mapping`: a disk or volume of an instance. Columns that the Nova release of the database does
 * not have are null. The library takes such rows as `bdms`.
 */
export type BlockDeviceRow = {
    -readonly [Name in Exclude<keyof typeof BLOCK_DEVICE, "id" | "deleted">]: ValueOf<(typeof BLOCK_DEVICE)[Name]>;
} & {
    /** The number of the row. */
    id: Integer;
    /** 0, or the `id` of a soft-deleted row. */
    deleted: Integer;
};
