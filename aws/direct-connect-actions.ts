/** Every action that is asked of the Direct Connect API, by its permission; it reads, and nothing else. */
export const directConnectActions = [
  'directconnect:DescribeVirtualInterfaces',
  'directconnect:ListVirtualInterfaceRoutes',
] as const
