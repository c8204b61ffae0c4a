/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef UMBRA_VDSLUN_H
#define UMBRA_VDSLUN_H

/*
 * LUNs
 *
 * How a hardware provider (vsprov.h) and umbra describe a disk to each other. Memory behind the pointers
 * comes from CoTaskMemAlloc() and belongs to whoever owns the outermost structure.
 */

#include "wintypes.h"

#define VER_VDS_LUN_INFORMATION 1 /* m_version of VDS_LUN_INFORMATION */

typedef enum VDS_STORAGE_IDENTIFIER_CODE_SET UMBRA_ENUM_INT {
        VDSStorageIdCodeSetReserved = 0,
        VDSStorageIdCodeSetBinary = 1,
        VDSStorageIdCodeSetAscii = 2,
        VDSStorageIdCodeSetUtf8 = 3,
} VDS_STORAGE_IDENTIFIER_CODE_SET;

/* The types of a SCSI device identification page (83h). */
typedef enum VDS_STORAGE_IDENTIFIER_TYPE UMBRA_ENUM_INT {
        VDSStorageIdTypeVendorSpecific = 0,
        VDSStorageIdTypeVendorId = 1,
        VDSStorageIdTypeEUI64 = 2,
        VDSStorageIdTypeFCPHName = 3,
        VDSStorageIdTypePortRelative = 4,
        VDSStorageIdTypeTargetPortGroup = 5,
        VDSStorageIdTypeLogicalUnitGroup = 6,
        VDSStorageIdTypeMD5LogicalUnitIdentifier = 7,
        VDSStorageIdTypeScsiNameString = 8,
} VDS_STORAGE_IDENTIFIER_TYPE;

typedef enum VDS_STORAGE_BUS_TYPE UMBRA_ENUM_INT {
        VDSBusTypeUnknown = 0,
        VDSBusTypeScsi = 1,
        VDSBusTypeAtapi = 2,
        VDSBusTypeAta = 3,
        VDSBusType1394 = 4,
        VDSBusTypeSsa = 5,
        VDSBusTypeFibre = 6,
        VDSBusTypeUsb = 7,
        VDSBusTypeRAID = 8,
        VDSBusTypeiScsi = 9,
        VDSBusTypeSas = 10,
        VDSBusTypeSata = 11,
        VDSBusTypeMaxReserved = 0x7F,
} VDS_STORAGE_BUS_TYPE;

typedef enum VDS_INTERCONNECT_ADDRESS_TYPE UMBRA_ENUM_INT {
        VDS_IA_UNKNOWN = 0,
        VDS_IA_FCFS = 1,
        VDS_IA_FCPH = 2,
        VDS_IA_FCPH3 = 3,
        VDS_IA_MAC = 4,
        VDS_IA_SCSI = 5,
} VDS_INTERCONNECT_ADDRESS_TYPE;

/* One name of a disk. */
typedef struct VDS_STORAGE_IDENTIFIER {
        VDS_STORAGE_IDENTIFIER_CODE_SET m_CodeSet; /* binary, ASCII or UTF-8 */
        VDS_STORAGE_IDENTIFIER_TYPE m_Type;        /* identifier type (page 83) */
        ULONG m_cbIdentifier;                      /* length */
        BYTE *m_rgbIdentifier;                     /* bytes */
} VDS_STORAGE_IDENTIFIER;

/* All names of a disk. */
typedef struct VDS_STORAGE_DEVICE_ID_DESCRIPTOR {
        ULONG m_version;                         /* version */
        ULONG m_cIdentifiers;                    /* count */
        VDS_STORAGE_IDENTIFIER *m_rgIdentifiers; /* array */
} VDS_STORAGE_DEVICE_ID_DESCRIPTOR;

/* One way to a disk. */
typedef struct VDS_INTERCONNECT {
        VDS_INTERCONNECT_ADDRESS_TYPE m_addressType; /* address type */
        ULONG m_cbPort;                              /* port length */
        BYTE *m_pbPort;                              /* port bytes */
        ULONG m_cbAddress;                           /* address length */
        BYTE *m_pbAddress;                           /* address bytes */
} VDS_INTERCONNECT;

/* A disk. */
typedef struct VDS_LUN_INFORMATION {
        ULONG m_version;                                       /* VER_VDS_LUN_INFORMATION (1) */
        BYTE m_DeviceType;                                     /* SCSI device type */
        BYTE m_DeviceTypeModifier;                             /* SCSI type modifier */
        BOOL m_bCommandQueueing;                               /* command queueing supported */
        VDS_STORAGE_BUS_TYPE m_BusType;                        /* bus */
        char *m_szVendorId;                                    /* vendor */
        char *m_szProductId;                                   /* product */
        char *m_szProductRevision;                             /* revision */
        char *m_szSerialNumber;                                /* serial number */
        /* disk signature; GUID_NULL in GetTargetLuns output */
        GUID m_diskSignature;
        VDS_STORAGE_DEVICE_ID_DESCRIPTOR m_deviceIdDescriptor; /* page 83 identifiers */
        ULONG m_cInterconnects;                                /* count */
        VDS_INTERCONNECT *m_rgInterconnects;                   /* interconnects */
} VDS_LUN_INFORMATION;

#endif
