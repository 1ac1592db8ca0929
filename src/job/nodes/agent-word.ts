/** With this as its first word the launcher is the agent of a node; behind it come a port and names of the first node. */
export const AGENT_WORD = '--node-agent';
