"""pymodbus' own server with 1,000 holding registers; it prints at SIGTERM what was read from it and written to it."""

import asyncio
import json
import signal
import sys

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server import StartAsyncTcpServer

counts = {"reads": 0, "writes": 0}


class Counted(ModbusSequentialDataBlock):
    def getValues(self, address, count=1):
        counts["reads"] += 1
        return super().getValues(address, count)

    def setValues(self, address, values):
        counts["writes"] += 1
        super().setValues(address, values)


async def main():
    port = int(sys.argv[1])
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    registers = ModbusSlaveContext(hr=Counted(0, list(range(1000))), zero_mode=True)
    context = ModbusServerContext(slaves=registers, single=True)
    serving = asyncio.create_task(StartAsyncTcpServer(context=context, address=("127.0.0.1", port)))
    print(f"port {port}", flush=True)
    await stop.wait()
    serving.cancel()
    print(json.dumps(counts), flush=True)


asyncio.run(main())
