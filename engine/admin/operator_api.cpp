// SPDX-License-Identifier: Apache-2.0
#include "admin/operator_api.h"
